"""What a registry's answer to a DELETE means.

Source: OCI distribution-spec v1.1, "Deleting Manifests".
"""

import hashlib

import httpx

from reconciler.errors import DeletionDisabledError, ReconcilerError, UnreachableError
from reconciler.model.display import safe
from reconciler.model.names import Digest
from reconciler.model.ports import Deletion, DeletionResult
from reconciler.providers.oci_access import DENIED, Action, failure, response_text
from reconciler.providers.registry_errors import codes_of, message_of, says_absent
from reconciler.transport.credentials import Credential
from reconciler.transport.retry import TEMPORARY

PROBE = Digest("sha256:" + hashlib.sha256(b"reconciler asks whether it may delete").hexdigest())
"""The digest of a text that is no manifest, so that no registry can hold one under it."""

MAX_REQUEST_ID = 100
"""Longest id of a request that is kept, in characters."""

_DONE = frozenset({200, 202, 204})
_TOO_MANY = 429
_IN_USE = frozenset({409, 412})
_DISABLED_HINT = (
    "Allow deletion at the registry: for CNCF distribution set"
    " REGISTRY_STORAGE_DELETE_ENABLED=true and end its read-only mode. A pull-through cache and"
    " Docker Hub never allow it."
)


def deletion_of(response: httpx.Response, credential: Credential) -> Deletion:
    """Translate the answer to one deletion.

    Raises: AccessError, when the right is missing; DeletionDisabledError.
    """
    if response.status_code in DENIED:
        raise failure(response, Action.DELETE, credential)
    if _is_disabled(response):
        raise _disabled(response)
    return Deletion(
        _result(response),
        status=response.status_code,
        message="" if response.status_code in _DONE else message_of(response),
        request_id=safe(response.headers.get("x-request-id", "")[:MAX_REQUEST_ID]),
    )


def refusal_of_probe(response: httpx.Response, credential: Credential) -> ReconcilerError | None:
    """Say what the answer to deleting nothing forbids; None when deletion is possible."""
    if response.status_code in _DONE or says_absent(response):
        return None
    if _is_disabled(response):
        return _disabled(response)
    if response.status_code in TEMPORARY:
        return UnreachableError(response_text(response))
    return failure(response, Action.DELETE, credential)


def _result(response: httpx.Response) -> DeletionResult:
    if response.status_code in _DONE:
        return DeletionResult.DELETED
    if says_absent(response):
        return DeletionResult.ABSENT
    if response.status_code == _TOO_MANY:
        return DeletionResult.REFUSED
    if response.status_code in TEMPORARY:
        return DeletionResult.LOST
    if response.status_code in _IN_USE or _is_in_use(response):
        return DeletionResult.RETAINED
    return DeletionResult.FAILED


def _is_in_use(response: httpx.Response) -> bool:
    """Whether zot refuses because an index that it holds lists the digest."""
    return response.status_code == 405 and "DENIED" in codes_of(response)


def _is_disabled(response: httpx.Response) -> bool:
    """Whether deletion as such is refused: by code, or as a method that there is not."""
    if response.status_code == 405:
        return not _is_in_use(response)
    return response.status_code == 400 and "UNSUPPORTED" in codes_of(response)


def _disabled(response: httpx.Response) -> DeletionDisabledError:
    return DeletionDisabledError(
        f"no deletion here: {response_text(response)}", hint=_DISABLED_HINT
    )
