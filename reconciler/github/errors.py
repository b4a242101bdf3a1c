"""Why GitHub refuses to show or take a comment, and what to do.

Source: GitHub, "REST API endpoints for issue comments" and "Permissions required for fine-grained
personal access tokens".
"""

import httpx

from reconciler.errors import AccessError, ProtocolError, ReconcilerError, UnreachableError
from reconciler.github.client import TokenKind, reply_text
from reconciler.transport.limits import github_refusal
from reconciler.transport.replies import place

_REFUSED = (401, 403, 404, 410)
_FORK = (
    "The token of a pull request from a fork only reads: comment from a workflow that runs on"
    " `workflow_run`, as docs/github-actions.md shows."
)
_CURES = {
    TokenKind.NONE: "Set GITHUB_TOKEN to the token of the workflow, or to a personal token.",
    TokenKind.ACTIONS: f"Give the job `permissions: pull-requests: write`. {_FORK}",
    TokenKind.CLASSIC: "The token needs the scope repo; for a public repository public_repo does.",
    TokenKind.FINE_GRAINED: "The token needs `Pull requests: read and write` on the repository.",
    TokenKind.OTHER: "The token needs the right to write comments of pull requests.",
}


def failure(response: httpx.Response, kind: TokenKind, where: str) -> ReconcilerError:
    """Build the error for an answer that is not the wanted one; `where` names the conversation.

    It is AccessError, when a right is missing; UnreachableError, when a limit refuses still,
    after all waiting; ProtocolError, for every other status.
    """
    answer = f"{place(response)} {reply_text(response)!r}"
    if github_refusal(response):
        return UnreachableError(
            f"{answer}, after all waiting",
            hint="Wait for the limit to pass, or use a token with a higher one.",
        )
    if response.status_code in _REFUSED:
        text = f"GitHub refuses the comments of {where}: {answer}, asked with {kind}"
        return AccessError(text, hint=_cure(response, kind))
    return ProtocolError(answer, hint="Run again; if it stays so, show the plan without a comment.")


def _cure(response: httpx.Response, kind: TokenKind) -> str:
    if "locked" in reply_text(response):
        return "The conversation is locked: unlock it, or do without the comment."
    if response.status_code == 401 and kind is not TokenKind.NONE:
        return "GitHub does not know this token: it is expired, revoked or mistyped."
    if response.status_code in (404, 410):
        return (
            "Check --repo and --pr; GitHub says the same of what a token may not see. "
            + _CURES[kind]
        )
    return _CURES[kind]
