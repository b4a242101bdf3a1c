"""Comments of one pull request, which to GitHub is an issue, and the one that all runs update.

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
"""Who writes with the token of a workflow. Source: GitHub, "Automatic token authentication"."""

PAGE_SIZE = 100
"""Comments asked for in one page, the most that GitHub gives."""


class Writer(BaseModel):
    """Who wrote a comment."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    login: str


class IssueComment(BaseModel):
    """One comment, as far as it matters. Shape: `user` is None when the account is gone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    body: str = ""
    html_url: str = ""
    user: Writer | None = None

    @property
    def author(self) -> str:
        """The login of who wrote it, in lower case since GitHub does not tell cases apart."""
        return self.user.login.lower() if self.user else ""


Row = TypeVar("Row", Writer, IssueComment)
_COMMENTS = TypeAdapter(list[IssueComment])


@dataclass(frozen=True, slots=True)
class Conversation:
    """The comments of one pull request, seen with one token.

    Shape: `repository` is `owner/name`, of the letters that GitHub allows there.
    """

    client: Client
    kind: TokenKind
    repository: str
    number: int

    @classmethod
    def open(
        cls, api_url: str, token: str, watch: RunClock, repository: str, number: int
    ) -> "Conversation":
        """Open a conversation; nothing is sent yet, and the token goes to that API alone."""
        client, _ = open_github(api_url, token, watch)
        return cls(client, TokenKind.of(token), repository, number)

    def author(self) -> str:
        """Say who writes with this token.

        GitHub does not tell a workflow who it is: `GET /user` is refused to its token. Its own
        comments are by one account, the same everywhere; another app's token has to be told.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        if self.kind is TokenKind.ACTIONS:
            return WORKFLOW_LOGIN
        response = self._wanted(self.client.get("/user", headers=HEADERS), 200)
        return _read(Writer, response).login

    def comments(self) -> Iterator[IssueComment]:
        """Read all comments, page by page, as far as somebody asks for more.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        for response in pages(self._page, f"{self._path}?per_page={PAGE_SIZE}"):
            try:
                yield from _COMMENTS.validate_python(json_of(response))
            except ValidationError as error:
                raise ProtocolError(f"{place(response)}, and not with comments") from error

    def create(self, body: str) -> IssueComment:
        """Write a new comment.

        Raises: UnreachableError, when it is unknown whether it was written; AccessError.
        """
        return _read(IssueComment, self._wanted(self._write("POST", self._path, body), 201))

    def update(self, comment: IssueComment, body: str) -> IssueComment | None:
        """Give a comment another text; None when somebody deleted it meanwhile.

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
    """Read the one thing that an answer holds."""
    try:
        return model.model_validate(json_of(response))
    except ValidationError as error:
        raise ProtocolError(f"{place(response)}, and not as its description says") from error


@dataclass(frozen=True, slots=True)
class Posted:
    """The comment as it is now, and what was done to it."""

    comment: IssueComment
    done: Literal["created", "updated", "unchanged"]


def post(
    conversation: Conversation,
    author: str,
    is_ours: Callable[[str], bool],
    write: Callable[[str], str],
) -> Posted:
    """Bring the comment of an author up to date; `write` is given the old text, empty for none.

    Anybody can copy a marker into a comment of their own, so the author must be right, too; and
    whoever may write in the repository can edit the text, so nothing is decided by what it says.

    Raises: AccessError, UnreachableError, ProtocolError.
    """
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
