"""Object stores: S3 and what speaks like it, Google Cloud Storage, Azure Blob Storage.

Credentials, region and endpoint come from the environment, under the names that each provider's
own tools use. Source: obstore, configuration of `S3Store`, `GCSStore` and `AzureStore`.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import ObjectStore, from_url

from reconciler.errors import SettingsError, StateError
from reconciler.model.base import is_loopback
from reconciler.model.ports import State
from reconciler.state.address import Address
from reconciler.state.objects import ObjectState
from reconciler.state.opening import BackendSettings
from reconciler.state.store import Stored, Times, missing, probe

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, PutResult, UpdateVersion
    from obstore.store import ClientConfig, RetryConfig

REQUEST_TIMEOUT = timedelta(seconds=30)
"""Longest time for one request."""

RETRY_TIMEOUT = timedelta(seconds=60)
"""Longest time for one request and its repetitions."""

TRIES = 3
"""How often a request is repeated."""

READERS = 16
"""Objects of a journal that are read at once."""

_RIGHTS = (
    "Give these credentials the right to list, read, write and delete objects there. They come "
    "from the environment, under the names that the provider's own tools use."
)
_OTHERWISE = (
    "Check the name of the bucket, credentials, region and endpoint; docs/state.md tells which "
    "variables set them."
)
_QUERY = re.compile(r"\?\S*")

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT")


def open_at(address: Address, surroundings: BackendSettings) -> State:
    """Open the state in a bucket, or below a prefix of one; nothing is sent yet.

    Raises: SettingsError, when credentials are in the address; StateError, when it or the
        environment cannot be used.
    """
    if address.has_secret:
        raise SettingsError(
            f"the address of the state at {address} holds more than a bucket and a prefix",
            hint=_RIGHTS,
        )
    # Only to this machine may requests go without TLS, unless AWS_ALLOW_HTTP says otherwise.
    client: ClientConfig = {"timeout": REQUEST_TIMEOUT}
    if _is_local(os.environ):
        client["allow_http"] = True
    retry: RetryConfig = {"max_retries": TRIES, "retry_timeout": RETRY_TIMEOUT}
    with _state_errors(f"use {address}"):
        store = from_url(address.text, client_options=client, retry_config=retry)
    return ObjectState(Bucket(str(address).rstrip("/"), store), Times(surroundings.clock))


class Bucket:
    """A bucket, or what is below a prefix of one, as a store."""

    def __init__(self, place: str, store: ObjectStore) -> None:
        """Remember both; nothing is sent yet."""
        self.place = place
        self._store = store

    def get(self, name: str) -> Stored | None:
        """Read an object as it is now; None where there is none."""
        with _state_errors(f"read {self.place}/{name}"):
            try:
                stored = obstore.get(self._store, name)
                return Stored(bytes(stored.bytes()), _version(stored.meta))
            except FileNotFoundError:
                return None

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read objects that are never replaced, several at once, in the order of their names."""
        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(self._content, names)

    def names(self, folder: str) -> Sequence[str]:
        """List the names that begin with a folder's, sorted."""
        with _state_errors(f"list {self.place}/{folder}"):
            listed = obstore.list(self._store, folder).collect()
            return sorted(entry["path"] for entry in listed)

    def create(self, name: str, content: bytes) -> str | None:
        """Write an object that does not exist; return its version, None where it exists."""
        return self._put(name, content, "create")

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Write in the place of one version; return the new one, None where it is another."""
        return self._put(name, content, cast("UpdateVersion", json.loads(version)))

    def check(self) -> None:
        """Prove that the store takes objects, and refuses what its conditions forbid."""
        name = f"_probe/{uuid4()}"
        probe(self, name)
        with _state_errors(f"remove {self.place}/{name}"):
            obstore.delete(self._store, name)

    def _put(self, name: str, content: bytes, mode: "PutMode") -> str | None:
        with _state_errors(f"write {self.place}/{name}"):
            try:
                return _version(obstore.put(self._store, name, content, mode=mode))
            except (AlreadyExistsError, PreconditionError):
                return None

    def _content(self, name: str) -> bytes:
        stored = self.get(name)
        if stored is None:
            raise missing(self, name)
        return stored.content


def _version(metadata: "ObjectMeta | PutResult") -> str:
    """Write down all that tells one version of an object from another."""
    return json.dumps({key: metadata[key] for key in ("e_tag", "version") if metadata[key]})


def _is_local(environment: Mapping[str, str]) -> bool:
    """Whether requests go to this very machine, where nobody else can read them."""
    endpoints = (environment[name] for name in _ENDPOINTS if name in environment)
    return any(is_loopback(urlsplit(endpoint).netloc) for endpoint in endpoints)


@contextmanager
def _state_errors(doing: str) -> Iterator[None]:
    """Turn what the store answers into a StateError with cause and advice."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StateError(f"cannot {doing}: {_cause(error)}", hint=_RIGHTS) from error
    except (BaseError, FileNotFoundError) as error:
        raise StateError(f"cannot {doing}: {_cause(error)}", hint=_OTHERWISE) from error


def _cause(error: Exception) -> str:
    """Keep the line that says what happened, without the queries of addresses: they may sign."""
    return _QUERY.sub("", str(error).partition("\n")[0])
