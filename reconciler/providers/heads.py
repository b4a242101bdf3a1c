"""Whether a registry has a tag or digest, without reading it; and registry error responses.

Error codes and messages are read as hostile text. Source: OCI distribution-spec v1.1, "Error
Codes".
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx

from reconciler.errors import InvalidNameError, ProtocolError, ReconcilerError
from reconciler.model.base import safe
from reconciler.model.manifest import ACCEPTED, MAX_MANIFEST_BYTES
from reconciler.model.names import Digest, Repository
from reconciler.transport.client import Client
from reconciler.transport.replies import place

Refusal: TypeAlias = Callable[[httpx.Response], ReconcilerError]
"""Makes the error of an answer that is neither the thing asked for nor its absence."""

HEADERS = {"Accept": ", ".join(ACCEPTED)}
_FIRST_BYTE = {"Range": "bytes=0-0"}

MAX_MESSAGE = 300
"""Longest text quoted from an answer, in characters."""

_ABSENT = frozenset({"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})
"""Codes that say "not here". Source: the specification; NOT_FOUND is Harbor's."""


def look(
    client: Client, repository: Repository, reference: str, refusal: Refusal
) -> httpx.Response | None:
    """Ask for a manifest's headers; None when the registry says that there is none.

    An answer to HEAD has no body to say so with, so a 404 is asked again with GET.

    Raises: what `refusal` makes of any other answer.
    """
    response = client.head(_path(repository, reference), headers=HEADERS)
    if response.status_code == 404:
        return _read(client, repository, reference, refusal)
    if response.status_code != 200:
        raise refusal(response)
    return response


def holds_blob(client: Client, repository: Repository, digest: Digest, refusal: Refusal) -> bool:
    """Ask whether the registry has a blob, of which one byte at most is read.

    A registry may send a HEAD on to a storage that only answers GET, so whatever is not a plain
    yes is asked again that way.

    Raises: what `refusal` makes of an answer that says neither yes nor no.
    Source: OCI distribution-spec v1.1, "Checking if content exists in the registry".
    """
    path = f"/v2/{repository.path}/blobs/{digest}"
    if client.head(path).status_code == 200:
        return True
    response = client.get(path, headers=_FIRST_BYTE)
    if says_absent(response):
        return False
    if response.status_code not in (200, 206):
        raise refusal(response)
    return True


def digest_of(client: Client, repository: Repository, tag: str, refusal: Refusal) -> Digest | None:
    """Ask which digest a tag points to; None when the registry says that there is no such tag.

    Raises: ProtocolError, when the registry tells a digest that is none.
    """
    response = look(client, repository, tag, refusal)
    if response is None:
        return None
    told = response.headers.get("docker-content-digest")
    if told is None:
        response = _read(client, repository, tag, refusal)
        return _digest_by_content(response) if response is not None else None
    try:
        return Digest(told)
    except InvalidNameError as error:
        raise ProtocolError(f"{place(response)}: {error}") from error


def _read(
    client: Client, repository: Repository, reference: str, refusal: Refusal
) -> httpx.Response | None:
    response = client.get(_path(repository, reference), headers=HEADERS, limit=MAX_MANIFEST_BYTES)
    if says_absent(response):
        return None
    if response.status_code != 200:
        raise refusal(response)
    return response


def _digest_by_content(response: httpx.Response) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(response.content).hexdigest()}")


def _path(repository: Repository, reference: str) -> str:
    return f"/v2/{repository.path}/manifests/{reference}"


@dataclass(frozen=True, slots=True)
class RegistryError:
    """One error of an answer. Shape: `code` in capitals; both texts are fit to be shown."""

    code: str
    message: str = ""

    def __str__(self) -> str:
        """Show the code, and the message where there is one."""
        return f"{self.code}: {self.message}" if self.message else self.code


def errors_of(response: httpx.Response) -> tuple[RegistryError, ...]:
    """Read the errors of an answer; none where it does not hold any in the registry's format."""
    try:
        document = response.json()
    except (ValueError, RecursionError):
        return ()
    listed = document.get("errors") if isinstance(document, dict) else None
    return tuple(_errors(listed)) if isinstance(listed, list) else ()


def codes_of(response: httpx.Response) -> frozenset[str]:
    """Return the error codes of an answer."""
    return frozenset(error.code for error in errors_of(response))


def message_of(response: httpx.Response) -> str:
    """Quote what an answer says, in its errors or else in its text, bounded and harmless."""
    told = "; ".join(str(error) for error in errors_of(response))
    return _bounded(told or response.text.strip())


def says_absent(response: httpx.Response) -> bool:
    """Whether the registry itself says that what was asked for is not there.

    A bare 404 says no such thing: it may come from a proxy, or from a wrong address.
    """
    return response.status_code == 404 and bool(codes_of(response) & _ABSENT)


def _errors(listed: list[Any]) -> Iterator[RegistryError]:
    for entry in listed:
        if isinstance(entry, dict) and isinstance(code := entry.get("code"), str):
            message = entry.get("message")
            yield RegistryError(
                _bounded(code), _bounded(message) if isinstance(message, str) else ""
            )


def _bounded(text: str) -> str:
    return safe(text[:MAX_MESSAGE])
