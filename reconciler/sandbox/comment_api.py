"""The API for comments of issues, with GitHub's rules and error texts.

Source: GitHub's OpenAPI description, `issues/list-comments`, `issues/create-comment` and
`issues/update-comment`; its refusals as clients report them.
"""

import json

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import Call, PageRequest, github_refusal, json_response
from reconciler.sandbox.rights import INTEGRATION
from reconciler.sandbox.rows import comment_row
from reconciler.sandbox.world import World

MAX_BODY = 65_536
"""Longest comment, in characters. Source: GitHub's own refusal."""

_NO_SUCH_RESOURCE = "Not Found"


class CommentCalls:
    """Lists, writes and edits comments."""

    def __init__(self, world: World) -> None:
        """Serve the conversations of a world."""
        self._world = world

    def answer(self, call: Call, account: Account | None) -> Response:
        """Answer one call below `/repos`.

        Raises: RefusedError.
        """
        match (call.method, *call.segments[1:]):
            case ("GET", owner, name, "issues", number, "comments") if number.isdecimal():
                return self._list(call, f"{owner}/{name}#{number}")
            case ("POST", owner, name, "issues", number, "comments") if number.isdecimal():
                return self._create(call, f"{owner}/{name}#{number}", _writer(account))
            case ("PATCH", owner, name, "issues", "comments", number) if number.isdecimal():
                _writer(account)
                return self._update(call, f"{owner}/{name}", int(number))
            case _:
                raise github_refusal(404, _NO_SUCH_RESOURCE)

    def _list(self, call: Call, issue: str) -> Response:
        comments, page = self._world.conversations.of(issue), PageRequest.of(call)
        link = page.link(call, "/".join(call.segments), len(comments))
        rows = [comment_row(comment, issue, call.base_url) for comment in comments[page.slice]]
        return json_response(rows, headers=link)

    def _create(self, call: Call, issue: str, account: Account) -> Response:
        self._refuse_locked(issue, "create")
        body = _body(call)
        comment = self._world.conversations.add(issue, account.login, body, self._world.now)
        return json_response(comment_row(comment, issue, call.base_url), 201)

    def _update(self, call: Call, repository: str, number: int) -> Response:
        match = self._world.conversations.find(repository, number)
        if match is None:
            raise github_refusal(404, _NO_SUCH_RESOURCE)
        issue, comment = match
        self._refuse_locked(issue, "update")
        comment.body, comment.updated_at = _body(call), self._world.now
        return json_response(comment_row(comment, issue, call.base_url))

    def _refuse_locked(self, issue: str, verb: str) -> None:
        if issue.lower() in self._world.conversations.locked:
            raise github_refusal(403, f"Unable to {verb} comment because issue is locked.")


def _writer(account: Account | None) -> Account:
    """Return the account, if its token may write comments.

    Raises: RefusedError.
    """
    if account is None:
        raise github_refusal(401, "Requires authentication")
    if not account.may_comment:
        own = account.kind is SandboxTokenKind.ACTIONS
        raise github_refusal(403, INTEGRATION if own else "Must have write rights to Repository.")
    return account


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
