"""Whether a registry has a tag or digest, and what it stands for, without reading the document."""

import hashlib
from collections.abc import Callable
from typing import TypeAlias

import httpx

from reconciler.errors import InvalidNameError, ProtocolError, ReconcilerError
from reconciler.model.manifest import ACCEPTED, MAX_MANIFEST_BYTES
from reconciler.model.names import Digest, Repository
from reconciler.providers.registry_errors import says_absent
from reconciler.transport.http import Client
from reconciler.transport.replies import place

Refusal: TypeAlias = Callable[[httpx.Response], ReconcilerError]
"""Makes the error of an answer that is neither the thing asked for nor its absence."""

HEADERS = {"Accept": ", ".join(ACCEPTED)}
_FIRST_BYTE = {"Range": "bytes=0-0"}


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
