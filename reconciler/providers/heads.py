"""Check with HEAD whether a tag or digest exists; parse the error responses of registries.

Error codes and messages are untrusted text: they are shortened and escaped. Source: OCI
distribution-spec v1.1, "Error Codes".
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from reconciler.errors import InvalidNameError, ProtocolError, ReconcilerError
from reconciler.model.base import safe
from reconciler.model.manifest import ACCEPTED, MAX_MANIFEST_BYTES
from reconciler.model.names import Digest, Repository
from reconciler.transport.bounds import MAX_MESSAGE
from reconciler.transport.client import Client
from reconciler.transport.replies import place

ErrorBuilder: TypeAlias = Callable[[httpx.Response], ReconcilerError]
"""Builds the error for a response that shows neither the document nor that it is absent."""

HEADERS = {"accept": ", ".join(ACCEPTED)}
_FIRST_BYTE = {"Range": "bytes=0-0"}

_ABSENT = frozenset({"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})
"""Codes for what does not exist. Source: the specification; NOT_FOUND is Harbor's."""


def head_manifest(
    client: Client, repository: Repository, reference: str, refusal: ErrorBuilder
) -> httpx.Response | None:
    """Request the headers of a manifest; None if the registry reports that it does not exist.

    Raises: the error that `refusal` builds for any other response.
    """
    response = client.head(_path(repository, reference), headers=HEADERS)
    if response.status_code == 404:
        # A response to HEAD has no body, so that only GET shows whose 404 it is: see `is_absent`.
        return _read(client, repository, reference, refusal)
    if response.status_code != 200:
        raise refusal(response)
    return response


def has_blob(client: Client, repository: Repository, digest: Digest, refusal: ErrorBuilder) -> bool:
    """Check whether a blob exists; at most one byte of it is read.

    Raises: the error that `refusal` builds for any other response.
    Source: OCI distribution-spec v1.1, "Checking if content exists in the registry".
    """
    path = f"/v2/{repository.path}/blobs/{digest}"
    if client.head(path).status_code == 200:
        return True
    # A registry may redirect HEAD to a storage whose signed URLs allow only GET.
    # One byte is enough: layers may have gigabytes.
    response = client.get(path, headers=_FIRST_BYTE)
    if is_absent(response):
        return False
    if response.status_code not in (200, 206):
        raise refusal(response)
    return True


def digest_of(
    client: Client, repository: Repository, tag: str, refusal: ErrorBuilder
) -> Digest | None:
    """Return the digest that a tag points to; None if the registry reports no such tag.

    Raises: ProtocolError, when the digest in the response is invalid.
    """
    response = head_manifest(client, repository, tag, refusal)
    if response is None:
        return None
    header = response.headers.get("docker-content-digest")
    if header is None:
        # The header is optional (specification, "Checking if content exists"): hash the manifest.
        response = _read(client, repository, tag, refusal)
        if response is None:
            return None
        return Digest(f"sha256:{hashlib.sha256(response.content).hexdigest()}")
    try:
        return Digest(header)
    except InvalidNameError as error:
        raise ProtocolError(f"{place(response)}: {error}") from error


def _read(
    client: Client, repository: Repository, reference: str, refusal: ErrorBuilder
) -> httpx.Response | None:
    response = client.get(_path(repository, reference), headers=HEADERS, limit=MAX_MANIFEST_BYTES)
    if is_absent(response):
        return None
    if response.status_code != 200:
        raise refusal(response)
    return response


def _path(repository: Repository, reference: str) -> str:
    return f"/v2/{repository.path}/manifests/{reference}"


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One error of a response. Shape: `code` in capitals; both texts are escaped for display."""

    code: str
    message: str = ""

    def __str__(self) -> str:
        """Return the code, followed by the message if there is one."""
        return f"{self.code}: {self.message}" if self.message else self.code


def errors_of(response: httpx.Response) -> tuple[RegistryError, ...]:
    """Parse the errors of a response; none if its body does not have the registry error format."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return ()
    listed = document.get("errors") if isinstance(document, dict) else None
    errors: list[RegistryError] = []
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and isinstance(code := entry.get("code"), str):
            message = entry.get("message")
            text = _bounded(message) if isinstance(message, str) else ""
            errors.append(RegistryError(_bounded(code), text))
    return tuple(errors)


def codes_of(response: httpx.Response) -> frozenset[str]:
    """Return the error codes of a response."""
    return frozenset(error.code for error in errors_of(response))


def message_of(response: httpx.Response) -> str:
    """Return the errors of a response, or else its text, shortened and escaped."""
    errors = "; ".join(str(error) for error in errors_of(response))
    return _bounded(errors or response.text.strip())


def is_absent(response: httpx.Response) -> bool:
    """Whether the registry itself reports that the document or repository does not exist.

    A 404 without an error code is no such report: it may come from a proxy or a wrong address.
    """
    return response.status_code == 404 and bool(codes_of(response) & _ABSENT)


def _bounded(text: str) -> str:
    return safe(text[:MAX_MESSAGE])
