"""GitHub's API for repositories: branches with their commits, and comments.

Every requested repository exists, and is empty at first. Source: GitHub's OpenAPI description,
"git", `issues/list-comments`, `issues/create-comment` and `issues/update-comment`; its GraphQL
reference; its refusals as clients report them.
"""

import json
import re
from base64 import b64decode, b64encode
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import Call, PageRequest, github_refusal, json_response
from reconciler.sandbox.rights import INTEGRATION
from reconciler.sandbox.rows import comment_row
from reconciler.sandbox.world import World

MAX_BODY = 65_536
"""Longest comment, in characters. Source: GitHub's own refusal."""

_NO_SUCH_RESOURCE = "Not Found"
_OBJECT_FIELD = re.compile(r'(\w+): object\(oid: "([0-9a-f]{40})"\)')
_MAX_TEXT = 512 * 1024
"""Longest text of a blob that GraphQL returns without truncating it, in bytes."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. Shape: `files` maps every path of its tree to the hash of a blob."""

    sha: str
    files: dict[str, str]


@dataclass
class GitRepository:
    """One repository; objects are keyed by their hash."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    """The files of each tree that was ever listed or written, by its hash."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def add_blob(self, content: bytes) -> str:
        """Store a blob; return its hash."""
        sha = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.blobs[sha] = content
        return sha

    def add_tree(self, files: dict[str, str]) -> str:
        """Store a tree; return its hash, which is not git's but is unique."""
        sha = _name("tree", files)
        self.trees[sha] = files
        return sha

    def add_commit(self, files: dict[str, str], parents: list[str], message: str) -> Commit:
        """Store a commit of a tree; its number makes the hash differ from an equal one's."""
        sha = _name("commit", [files, parents, message, len(self.commits)])
        self.commits[sha] = Commit(sha, files)
        self.add_tree(files)
        return self.commits[sha]

    def listing(self, sha: str) -> list[dict[str, Any]] | None:
        """List a tree, or that of a commit, one level deep; None if it does not exist."""
        commit = self.commits.get(sha)
        files = commit.files if commit else self.trees.get(sha)
        if files is None:
            return None
        below: dict[str, dict[str, str]] = {}
        entries: list[dict[str, Any]] = []
        for path, blob in files.items():
            folder, slash, rest = path.partition("/")
            if slash:
                below.setdefault(folder, {})[rest] = blob
            else:
                entries.append({"path": path, "mode": "100644", "type": "blob", "sha": blob})
        for folder, inner in below.items():
            # A client asks for the tree of a folder by the hash that it gets here.
            tree = self.add_tree(inner)
            entries.append({"path": folder, "mode": "040000", "type": "tree", "sha": tree})
        return sorted(entries, key=lambda entry: str(entry["path"]))


def _name(kind: str, content: object) -> str:
    text = json.dumps([kind, content], sort_keys=True)
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


class GitCalls:
    """Answers calls for branches and their contents."""

    def __init__(self) -> None:
        """Start without any branch."""
        self._repositories: defaultdict[str, GitRepository] = defaultdict(GitRepository)

    def answer(self, call: Call, account: Account | None) -> Response | None:
        """Answer a call, or None for one that is not about git."""
        match (call.method, *call.segments):
            case ("POST", "graphql"):
                return self._graphql(json.loads(call.body), _require_account(account))
            case ("GET", "repos", owner, name):
                return json_response({"full_name": f"{owner}/{name}", "private": True})
            case ("GET", "repos", owner, name, "git", "ref", "heads", *parts):
                # The name of a branch may contain slashes, which are not encoded here.
                branch, heads = "/".join(parts), self._repositories[f"{owner}/{name}"].branches
                if branch not in heads:
                    raise github_refusal(404, _NO_SUCH_RESOURCE)
                target = {"type": "commit", "sha": heads[branch]}
                return json_response({"ref": f"refs/heads/{branch}", "object": target})
            case ("GET", "repos", owner, name, "git", kind, sha):
                return _object(self._repositories[f"{owner}/{name}"], kind, sha)
            case ("POST", "repos", owner, name, "git", kind):
                if not _require_account(account).contents:
                    raise github_refusal(403, INTEGRATION)
                return _create_object(
                    self._repositories[f"{owner}/{name}"], kind, json.loads(call.body)
                )
            case _:
                return None

    def _graphql(self, request: dict[str, Any], account: Account) -> Response:
        variables = request["variables"]
        if "createCommitOnBranch" in request["query"]:
            return self._commit(variables["input"], account)
        git = self._repositories[f"{variables['owner']}/{variables['name']}"]
        texts = {name: _text(git, sha) for name, sha in _OBJECT_FIELD.findall(request["query"])}
        return json_response({"data": {"repository": texts}})

    def _commit(self, request: dict[str, Any], account: Account) -> Response:
        # GraphQL answers 200 with the error in the body, where REST answers 403.
        if not account.contents:
            return _error("FORBIDDEN", INTEGRATION)
        git = self._repositories[request["branch"]["repositoryNameWithOwner"]]
        branch, expected = request["branch"]["branchName"], request["expectedHeadOid"]
        head = git.branches.get(branch)
        if head is None:
            return _error("NOT_FOUND", f"Could not resolve to a branch named {branch!r}.")
        # This condition excludes a second writer, and a state on a branch relies on it.
        if head != expected:
            message = (
                f'Expected branch to point to "{expected}" but it did not. Pull and try again.'
            )
            return _error("STALE_DATA", message)
        added = {
            addition["path"]: git.add_blob(b64decode(addition["contents"]))
            for addition in request["fileChanges"].get("additions", ())
        }
        removed = {gone["path"] for gone in request["fileChanges"].get("deletions", ())}
        before = git.commits[head].files.items()
        files = {path: sha for path, sha in before if path not in removed} | added
        commit = git.add_commit(files, [head], request["message"]["headline"])
        git.branches[branch] = commit.sha
        return json_response({"data": {"createCommitOnBranch": {"commit": {"oid": commit.sha}}}})


def _require_account(account: Account | None) -> Account:
    if account is None:
        raise github_refusal(401, "Requires authentication")
    return account


def _object(git: GitRepository, kind: str, sha: str) -> Response:
    listing = git.listing(sha) if kind == "trees" else None
    if listing is not None:
        return json_response({"sha": sha, "tree": listing, "truncated": False})
    if kind == "blobs" and sha in git.blobs:
        content = b64encode(git.blobs[sha]).decode()
        return json_response({"sha": sha, "encoding": "base64", "content": content})
    raise github_refusal(404, _NO_SUCH_RESOURCE)


def _create_object(git: GitRepository, kind: str, request: dict[str, Any]) -> Response:
    match kind:
        case "trees":
            entries = {e["path"]: git.add_blob(e["content"].encode()) for e in request["tree"]}
            return json_response({"sha": git.add_tree(entries)}, 201)
        case "commits":
            files = git.trees[request["tree"]]
            commit = git.add_commit(files, request["parents"], request["message"])
            return json_response({"sha": commit.sha}, 201)
        case "refs":
            branch = request["ref"].removeprefix("refs/heads/")
            if branch in git.branches:
                raise github_refusal(422, "Reference already exists")
            git.branches[branch] = request["sha"]
            return json_response({"ref": f"refs/heads/{branch}"}, 201)
        case _:
            raise github_refusal(404, _NO_SUCH_RESOURCE)


def _text(git: GitRepository, sha: str) -> dict[str, Any] | None:
    """Return a blob as GraphQL does: its text, truncated if long, null if it is binary."""
    content = git.blobs.get(sha)
    if content is None:
        return None
    try:
        return {"text": content[:_MAX_TEXT].decode()}
    except UnicodeDecodeError:
        return {"text": None}


def _error(kind: str, message: str) -> Response:
    return json_response({"data": None, "errors": [{"type": kind, "message": message}]})


class CommentCalls:
    """Lists, writes and edits comments."""

    def __init__(self, world: World) -> None:
        """Serve the conversations of a world."""
        self._world = world

    def answer(self, call: Call, account: Account | None) -> Response:
        """Answer one call below `/repos`.

        Raises: RefusedError.
        """
        conversations, now = self._world.conversations, self._world.now
        match (call.method, *call.segments[1:]):
            case ("GET", owner, name, "issues", number, "comments") if number.isdecimal():
                issue = f"{owner}/{name}#{number}"
                comments, page = conversations.of(issue), PageRequest.of(call)
                link = page.link(call, "/".join(call.segments), len(comments))
                listed = comments[page.slice]
                rows = [comment_row(comment, issue, call.base_url) for comment in listed]
                return json_response(rows, headers=link)
            case ("POST", owner, name, "issues", number, "comments") if number.isdecimal():
                issue, author = f"{owner}/{name}#{number}", _writer(account).login
                self._refuse_locked(issue, "create")
                comment = conversations.add(issue, author, _body(call), now)
                return json_response(comment_row(comment, issue, call.base_url), 201)
            case ("PATCH", owner, name, "issues", "comments", number) if number.isdecimal():
                # Before the look-up: a refused token learns nothing about comments.
                _writer(account)
                match = conversations.find(f"{owner}/{name}", int(number))
                if match is None:
                    raise github_refusal(404, _NO_SUCH_RESOURCE)
                issue, comment = match
                self._refuse_locked(issue, "update")
                comment.body, comment.updated_at = _body(call), now
                return json_response(comment_row(comment, issue, call.base_url))
            case _:
                raise github_refusal(404, _NO_SUCH_RESOURCE)

    def _refuse_locked(self, issue: str, verb: str) -> None:
        if issue.lower() in self._world.conversations.locked:
            raise github_refusal(403, f"Unable to {verb} comment because issue is locked.")


def _writer(account: Account | None) -> Account:
    """Return the account, if its token may write comments.

    Raises: RefusedError.
    """
    writer = _require_account(account)
    if not writer.may_comment:
        own = writer.kind is SandboxTokenKind.ACTIONS
        raise github_refusal(403, INTEGRATION if own else "Must have write rights to Repository.")
    return writer


def _body(call: Call) -> str:
    """Read the text of a comment.

    Raises: RefusedError, for one that is missing or too long.
    """
    try:
        body = json.loads(call.body)["body"]
    except (ValueError, LookupError, TypeError):
        raise github_refusal(400, "Problems parsing JSON") from None
    if not isinstance(body, str) or not 0 < len(body) <= MAX_BODY:
        message = (
            f"Body is too long (maximum is {MAX_BODY} characters)" if body else "Body is blank"
        )
        raise github_refusal(422, f"Validation Failed: {message}")
    return body
