"""What GitHub's answer to a deletion means.

Source: GitHub's OpenAPI description; the texts of its refusals.
"""

import httpx

from reconciler.model.ports import Deletion, DeletionResult
from reconciler.providers.ghcr_access import Need, refused
from reconciler.transport.github import TokenKind, reply_text
from reconciler.transport.limits import github_refusal

_RETAINED = ("last tagged version", "last version", "5000 downloads")
"""The stable parts of the texts with which GitHub keeps what it keeps; the status varies."""


def deletion_of(response: httpx.Response, kind: TokenKind) -> Deletion:
    """Translate the answer to one DELETE.

    Raises: AccessError, when the right is missing.
    """
    if response.status_code == 401 or _is_forbidden(response):
        raise refused(response, kind, Need.DELETE)
    return Deletion(
        _result(response),
        response.status_code,
        "" if response.is_success else reply_text(response),
        response.headers.get("x-github-request-id", ""),
    )


def _is_forbidden(response: httpx.Response) -> bool:
    return response.status_code == 403 and github_refusal(response) is None


def _result(response: httpx.Response) -> DeletionResult:
    match response.status_code:
        case 204:
            return DeletionResult.DELETED
        case 404:
            return DeletionResult.ABSENT
        case 400 | 422 if any(part in reply_text(response) for part in _RETAINED):
            return DeletionResult.RETAINED
        case status if status >= 500 or response.is_success:
            return DeletionResult.LOST
        case _:
            return DeletionResult.FAILED
