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
