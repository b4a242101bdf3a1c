"""Pull requests: find the one of a finished workflow run, and keep one comment of all runs on it.

Source: GitHub, "REST API endpoints for issue comments" and "REST API endpoints for pull requests".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar
from urllib.parse import urlencode

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from reconciler.errors import ProtocolError
from reconciler.github.client import UNKNOWN_TOKEN, GitHubClient, TokenKind, failure, reply_text
from reconciler.transport.replies import json_of, place

WORKFLOW_LOGIN = "github-actions[bot]"
"""The author with the token of a workflow. Source: GitHub, "Automatic token authentication"."""

PAGE_SIZE = 100
"""Comments requested in one page, the maximum. Source: GitHub's OpenAPI description, `per_page`."""


_FORK = (
    "The token of a pull request from a fork can only read: comment from a workflow that runs on"
    " `workflow_run`, as docs/github-actions.md shows."
)
_HINTS = {
    TokenKind.NONE: "Set GITHUB_TOKEN to the token of the workflow, or to a personal token.",
    TokenKind.ACTIONS: f"Give the job `permissions: pull-requests: write`. {_FORK}",
    TokenKind.CLASSIC: (
        "The token needs the scope `repo`; `public_repo` is enough for a public repository."
    ),
    TokenKind.FINE_GRAINED: "The token needs `Pull requests: read and write` on the repository.",
    TokenKind.OTHER: "The token needs the right to write comments of pull requests.",
}


@dataclass(frozen=True, slots=True)
class PullRequestAccess:
    """The purpose of reading and writing comments, or of reading pull requests.

    Source: GitHub, "Permissions required for fine-grained personal access tokens".
    """

    action: str

    @property
    def denied(self) -> frozenset[int]:
        """The statuses that stand for a missing right: 404 hides it; 410 is a deleted issue."""
        return frozenset({401, 403, 404, 410})

    def __str__(self) -> str:
        """Complete the message "GitHub refuses to ..."."""
        return self.action

    def hint(self, response: httpx.Response, kind: TokenKind) -> str:
        """Return what the user can do about a denied request."""
        if "locked" in reply_text(response):
            return "The conversation is locked: unlock it, or run without the comment."
        if response.status_code == 401 and kind is not TokenKind.NONE:
            return UNKNOWN_TOKEN
        if response.status_code in (404, 410):
            return (
                "Check --repo and --pr; GitHub gives the same answer if the token may not see the"
                f" repository. {_HINTS[kind]}"
            )
        return _HINTS[kind]


class Writer(BaseModel):
    """The author of a comment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    login: str


class IssueComment(BaseModel):
    """One comment. Shape: `user` is None when the account was deleted."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    body: str = ""
    html_url: str = ""
    user: Writer | None = None

    @property
    def author(self) -> str:
        """The login of its author, in lower case, since logins are not case-sensitive."""
        return self.user.login.lower() if self.user else ""


Row = TypeVar("Row", Writer, IssueComment)
_COMMENTS = TypeAdapter(list[IssueComment])


@dataclass(frozen=True, slots=True)
class Conversation:
    """The comments of one pull request. Shape: `repository` is a valid `owner/name`."""

    client: GitHubClient
    repository: str
    number: int

    def author(self) -> str:
        """Return the login that comments written with this token have.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        # `GET /user` is refused to the token of a workflow. Its comments are by one account, the
        # same everywhere; for the token of another app the author is an option.
        if self.client.kind is TokenKind.ACTIONS:
            return WORKFLOW_LOGIN
        response = self.client.read("/user", self._purpose)
        return _read(Writer, response).login

    def comments(self) -> Iterator[IssueComment]:
        """Read all comments, page by page, as far as they are consumed.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        for response in self.client.pages(f"{self._path}?per_page={PAGE_SIZE}", self._purpose):
            try:
                yield from _COMMENTS.validate_python(json_of(response))
            except ValidationError as error:
                raise ProtocolError(f"{place(response)}: not a list of comments") from error

    def create(self, body: str) -> IssueComment:
        """Create a comment.

        Raises: UnreachableError, when it is unknown whether it was created; AccessError.
        """
        return _read(
            IssueComment, self._expect(self.client.write("POST", self._path, {"body": body}), 201)
        )

    def update(self, comment: IssueComment, body: str) -> IssueComment | None:
        """Replace the text of a comment; None if the comment was deleted meanwhile.

        Raises: UnreachableError, when it is unknown whether it was changed; AccessError.
        """
        path = f"/repos/{self.repository}/issues/comments/{comment.id}"
        response = self.client.write("PATCH", path, {"body": body})
        # A comment that was just listed is visible to this token, so it was deleted.
        if response.status_code == 404:
            return None
        return _read(IssueComment, self._expect(response, 200))

    @property
    def _path(self) -> str:
        return f"/repos/{self.repository}/issues/{self.number}/comments"

    @property
    def _purpose(self) -> PullRequestAccess:
        return PullRequestAccess(f"read or write comments on {self.repository}#{self.number}")

    def _expect(self, response: httpx.Response, status: int) -> httpx.Response:
        if response.status_code != status:
            raise failure(response, self.client.kind, self._purpose)
        return response


def _read(model: type[Row], response: httpx.Response) -> Row:
    """Parse the one object in a response."""
    try:
        return model.model_validate(json_of(response))
    except ValidationError as error:
        raise ProtocolError(f"{place(response)}: the response has an unexpected format") from error


@dataclass(frozen=True, slots=True)
class Posted:
    """The comment as it is now, and what was done."""

    comment: IssueComment
    done: Literal["created", "updated", "unchanged"]


def post(
    conversation: Conversation,
    author: str,
    is_ours: Callable[[str], bool],
    write: Callable[[str], str],
) -> Posted:
    """Create or update the comment of an author; `write` gets the old text, empty for none.

    Raises: AccessError, UnreachableError, ProtocolError.
    """
    # Any user can copy the marker into a comment, so the author must match, too. Users who may
    # write in the repository can edit the text, so nothing is decided by it.
    for comment in conversation.comments():
        if comment.author != author.lower() or not is_ours(comment.body):
            continue
        body = write(comment.body)
        # A text edited on the website has other line ends, which is no change.
        if body == comment.body.replace("\r\n", "\n"):
            return Posted(comment, "unchanged")
        if updated := conversation.update(comment, body):
            return Posted(updated, "updated")
    return Posted(conversation.create(write("")), "created")


@dataclass(frozen=True, slots=True)
class Head:
    """What a run was for: the branch, its owner, and its commit."""

    owner: str
    branch: str
    sha: str


class _Side(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    sha: str


class _PullRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    head: _Side


_PULL_REQUESTS = TypeAdapter(list[_PullRequest])


def open_pull_request(client: GitHubClient, repository: str, head: Head) -> int | None:
    """Return the number of the open pull request whose last commit is that of `head`.

    None if it was closed or has newer commits: the results of the run are out of date then.

    Raises: AccessError, UnreachableError, ProtocolError.
    """
    # The `workflow_run` event names no pull request of a fork, and an artifact of that run is
    # untrusted text, so the API is asked.
    purpose = PullRequestAccess(f"read the pull requests of {repository}")
    query = urlencode({"state": "open", "head": f"{head.owner}:{head.branch}", "per_page": 100})
    # Forks may have several open pull requests of one branch, each to another base.
    for response in client.pages(f"/repos/{repository}/pulls?{query}", purpose):
        try:
            pulls = _PULL_REQUESTS.validate_python(json_of(response))
        except ValidationError as error:
            raise ProtocolError(f"{place(response)}: not a list of pull requests") from error
        for pull in pulls:
            if pull.head.sha == head.sha:
                return pull.number
    return None
