"""Read and write the comments of a pull request, and update the one comment of all runs.

Source: GitHub, "REST API endpoints for issue comments".
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from reconciler.errors import ProtocolError
from reconciler.github.client import HEADERS, TokenKind, open_github
from reconciler.github.errors import failure
from reconciler.transport.client import Client
from reconciler.transport.replies import json_of, pages, place
from reconciler.transport.watch import RunClock

WORKFLOW_LOGIN = "github-actions[bot]"
"""The author with the token of a workflow. Source: GitHub, "Automatic token authentication"."""

PAGE_SIZE = 100
"""Comments requested in one page, the maximum. Source: GitHub's OpenAPI description, `per_page`."""


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

    client: Client
    kind: TokenKind
    repository: str
    number: int

    @classmethod
    def open(
        cls, api_url: str, token: str, watch: RunClock, repository: str, number: int
    ) -> "Conversation":
        """Open a conversation; nothing is sent yet, and the token is sent to that API only."""
        client, _ = open_github(api_url, token, watch)
        return cls(client, TokenKind.of(token), repository, number)

    def author(self) -> str:
        """Return the login that comments written with this token have.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        # `GET /user` is refused to the token of a workflow. Its comments are by one account, the
        # same everywhere; for the token of another app the author is an option.
        if self.kind is TokenKind.ACTIONS:
            return WORKFLOW_LOGIN
        response = self._wanted(self.client.get("/user", headers=HEADERS), 200)
        return _read(Writer, response).login

    def comments(self) -> Iterator[IssueComment]:
        """Read all comments, page by page, as far as they are consumed.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        for response in pages(self._page, f"{self._path}?per_page={PAGE_SIZE}"):
            try:
                yield from _COMMENTS.validate_python(json_of(response))
            except ValidationError as error:
                raise ProtocolError(f"{place(response)}: not a list of comments") from error

    def create(self, body: str) -> IssueComment:
        """Create a comment.

        Raises: UnreachableError, when it is unknown whether it was created; AccessError.
        """
        return _read(IssueComment, self._wanted(self._write("POST", self._path, body), 201))

    def update(self, comment: IssueComment, body: str) -> IssueComment | None:
        """Replace the text of a comment; None if the comment was deleted meanwhile.

        Raises: UnreachableError, when it is unknown whether it was changed; AccessError.
        """
        path = f"/repos/{self.repository}/issues/comments/{comment.id}"
        response = self._write("PATCH", path, body)
        if response.status_code == 404:
            return None
        return _read(IssueComment, self._wanted(response, 200))

    def close(self) -> None:
        """Close all connections."""
        self.client.close()

    @property
    def _path(self) -> str:
        return f"/repos/{self.repository}/issues/{self.number}/comments"

    def _page(self, url: str) -> httpx.Response:
        return self._wanted(self.client.get(url, headers=HEADERS), 200)

    def _write(self, method: str, path: str, body: str) -> httpx.Response:
        content = json.dumps({"body": body}).encode()
        headers = {**HEADERS, "content-type": "application/json"}
        return self.client.write(method, path, headers=headers, content=content)

    def _wanted(self, response: httpx.Response, status: int) -> httpx.Response:
        if response.status_code != status:
            raise failure(response, self.kind, f"{self.repository}#{self.number}")
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
    for comment in _own(conversation, author, is_ours):
        body = write(comment.body)
        if body == comment.body.replace("\r\n", "\n"):
            return Posted(comment, "unchanged")
        if updated := conversation.update(comment, body):
            return Posted(updated, "updated")
    return Posted(conversation.create(write("")), "created")


def _own(
    conversation: Conversation, author: str, is_ours: Callable[[str], bool]
) -> Iterator[IssueComment]:
    for comment in conversation.comments():
        if comment.author == author.lower() and is_ours(comment.body):
            yield comment
