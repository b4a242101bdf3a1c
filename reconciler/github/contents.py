"""Read and write the files of one branch through GitHub's API, for a state kept there.

Source: GitHub's OpenAPI description, "git"; and its GraphQL reference, `createCommitOnBranch`.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, NamedTuple

import httpx

from reconciler.errors import EvidenceError, StateError
from reconciler.github.client import UNKNOWN_TOKEN, GitHubClient, TokenKind, failure
from reconciler.transport.replies import json_of

BLOBS_AT_ONCE = 50
"""Objects requested in one query; a text that GitHub truncates is read again by itself."""

_COMMIT = (
    "mutation($input: CreateCommitOnBranchInput!) "
    "{createCommitOnBranch(input: $input) {commit {oid}}}"
)
_BLOBS = "query($owner: String!, $name: String!) {repository(owner: $owner, name: $name) {FIELDS}}"
_RIGHTS = (
    "Give the job `permissions: contents: write`, or use a token that may write to that repository."
)
_MOVED = "STALE_DATA"
"""How GitHub says that a branch does not end where the commit expects it to."""


@dataclass(frozen=True, slots=True)
class BranchAccess:
    """The purpose of reading and writing a state on a branch."""

    repository: str
    branch: str

    @property
    def denied(self) -> frozenset[int]:
        """The statuses that stand for a missing right, which 404 hides."""
        return frozenset({401, 403, 404})

    def __str__(self) -> str:
        """Complete the message "GitHub refuses to ..."."""
        return f"read or write the state in {self.repository}, branch {self.branch}"

    def hint(self, response: httpx.Response, kind: TokenKind) -> str:
        """Return what the user can do about a denied request."""
        if response.status_code == 401 and kind is not TokenKind.NONE:
            return f"{UNKNOWN_TOKEN} {_RIGHTS}"
        return _RIGHTS


class TreeEntry(NamedTuple):
    """One entry of a git tree: another tree or a blob."""

    sha: str
    is_tree: bool


def blob_sha(content: bytes) -> str:
    """Return the name of a blob in git: the SHA-1 of its header and content."""
    return sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


class GitApi:
    """One branch of one repository."""

    def __init__(self, client: GitHubClient, repository: str, branch: str) -> None:
        """Use a branch; nothing is sent yet."""
        self._client = client
        self._repository = repository
        self._branch = branch
        self._base = f"/repos/{repository}/git"
        self._etag = ""
        self._head = ""

    def head(self) -> str:
        """Return the last commit of the branch; empty if the branch does not exist."""
        # An answer of 304 does not count against the hourly limit.
        known = {"if-none-match": self._etag} if self._etag else {}
        response = self._get(f"{self._base}/ref/heads/{self._branch}", (200, 304, 404), known)
        if response.status_code == 404:
            # A token that may not see the repository gets a 404, too: then this read fails.
            self._get(f"/repos/{self._repository}", (200,))
            return ""
        if response.status_code == 200:
            self._etag = response.headers.get("etag", "")
            self._head = str(json_of(response)["object"]["sha"])
        return self._head

    def tree(self, sha: str) -> Mapping[str, TreeEntry]:
        """Read a tree by its SHA or by that of a commit; it never changes.

        Raises: StateError, when it is too large for one response.
        """
        answer = json_of(self._get(f"{self._base}/trees/{sha}", (200,)))
        if answer["truncated"]:
            raise StateError(
                f"{self._repository}: a directory of branch {self._branch} has too many files",
                hint="Move the state to an object store: `reconciler state migrate --to PLACE`.",
            )
        return {e["path"]: TreeEntry(e["sha"], e["type"] == "tree") for e in answer["tree"]}

    def blobs(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read blobs in order, many with one query; a truncated one is read again by itself."""
        for start in range(0, len(names), BLOBS_AT_ONCE):
            chunk = names[start : start + BLOBS_AT_ONCE]
            texts = self._texts(chunk)
            for number, sha in enumerate(chunk):
                entry = texts.get(f"b{number}") or {}
                content = (entry.get("text") or "").encode()
                # The hash differs for a text that GitHub truncated, and for bytes that are not
                # UTF-8.
                if blob_sha(content) != sha:
                    answer = json_of(self._get(f"{self._base}/blobs/{sha}", (200,)))
                    content = b64decode(answer["content"])
                yield content

    def commit(self, expected: str, name: str, content: bytes) -> str | None:
        """Commit one file on top of an expected commit; return the new one, None if it moved.

        Raises: UnreachableError, when it is unknown whether the commit was made.
        """
        addition = {"path": name, "contents": b64encode(content).decode()}
        branch = {"repositoryNameWithOwner": self._repository, "branchName": self._branch}
        answer = self._query(
            _COMMIT,
            input={
                "branch": branch,
                "message": {"headline": f"state: {name}"},
                "expectedHeadOid": expected,
                "fileChanges": {"additions": [addition]},
            },
        )
        errors = answer.get("errors") or []
        if any(error.get("type") == _MOVED for error in errors):
            return None
        self._require_none(errors)
        return str(answer["data"]["createCommitOnBranch"]["commit"]["oid"])

    def begin(self, name: str, content: str) -> None:
        """Create the branch with a commit that has no parent and one file.

        If another process created it meanwhile, its branch is kept.
        """
        entry = {"path": name, "mode": "100644", "type": "blob", "content": content}
        tree = self._post(f"{self._base}/trees", {"tree": [entry]}, (201,))
        first = {"message": "state: begin", "tree": json_of(tree)["sha"], "parents": []}
        commit = self._post(f"{self._base}/commits", first, (201,))
        ref = {"ref": f"refs/heads/{self._branch}", "sha": json_of(commit)["sha"]}
        # 422: the branch exists, since another process was faster.
        self._post(f"{self._base}/refs", ref, (201, 422))

    def _texts(self, names: Sequence[str]) -> Mapping[str, Any]:
        """Read the texts of blobs with one query, each under its number."""
        fields = " ".join(
            f'b{number}: object(oid: "{sha}") {{... on Blob {{text}}}}'
            for number, sha in enumerate(names)
        )
        owner, _, name = self._repository.partition("/")
        answer = self._query(_BLOBS.replace("FIELDS", fields), owner=owner, name=name)
        self._require_none(answer.get("errors") or [])
        texts: Mapping[str, Any] = answer["data"]["repository"]
        return texts

    def _query(self, query: str, **variables: object) -> Mapping[str, Any]:
        body = {"query": query, "variables": variables}
        # GraphQL is below the REST API on github.com, and beside it on an Enterprise Server, whose
        # REST API ends with /api/v3.
        base = self._client.http.base_url.rstrip("/")
        parent = base.removesuffix("/v3") if base.endswith("/api/v3") else base
        url = f"{parent}/graphql"
        answer: Mapping[str, Any] = json_of(self._post(url, body, (200,)))
        return answer

    def _require_none(self, errors: Sequence[Mapping[str, Any]]) -> None:
        if errors:
            raise StateError(
                f"{self._repository}, branch {self._branch}: {errors[0].get('message', '')!r}",
                hint=_RIGHTS,
            )

    def _get(
        self, path: str, statuses: Sequence[int], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self._expect(self._client.get(path, headers), statuses)

    def _post(self, path: str, body: object, statuses: Sequence[int]) -> httpx.Response:
        return self._expect(self._client.write("POST", path, body), statuses)

    def _expect(self, response: httpx.Response, statuses: Sequence[int]) -> httpx.Response:
        if response.status_code not in statuses:
            purpose = BranchAccess(self._repository, self._branch)
            error = failure(response, self._client.kind, purpose)
            raise StateError(str(error), hint=error.hint)
        return response


@contextmanager
def state_of_github() -> Iterator[None]:
    """Turn an error of the API into a StateError."""
    try:
        yield
    except EvidenceError as error:
        raise StateError(str(error), hint="Run again when GitHub answers.") from error
