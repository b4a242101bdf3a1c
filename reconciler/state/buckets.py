"""Keep the state in an object store: S3 and compatible stores, Google Cloud Storage, Azure.

Credentials, region and endpoint come from the environment, with the names that each provider's
own tools use. Source: obstore, configuration of `S3Store`, `GCSStore` and `AzureStore`.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
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
from reconciler.state.store import Stored, Times, object_missing, probe

if TYPE_CHECKING:
    from obstore import ObjectMeta, PutMode, PutResult, UpdateVersion
    from obstore.store import ClientConfig, RetryConfig

REQUEST_TIMEOUT = timedelta(seconds=30)
"""Longest time for one request; objects of a state are small."""

RETRY_TIMEOUT = timedelta(seconds=60)
"""Longest time for one request and its retries, half of a lease."""

TRIES = 3
"""How often a request is retried."""

READERS = 16
"""Objects of a journal read in parallel."""

_RIGHTS = (
    "Allow these credentials to list, read, write and delete objects there. They come from the "
    "environment, with the names that the provider's own tools use."
)
_DEFAULT_ADVICE = (
    "Check the name of the bucket, credentials, region and endpoint; docs/state.md lists the "
    "variables that set them."
)
_QUERY = re.compile(r"\?\S*")

_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT")


def open_at(address: Address, settings: BackendSettings) -> State:
    """Open the state in a bucket, or below a prefix in it; nothing is sent yet.

    Raises: SettingsError, when the address has credentials; StateError, when it or the environment
        is invalid.
    """
    if address.has_secret:
        raise SettingsError(
            f"the address of the state at {address} has more than a bucket and a prefix",
            hint=_RIGHTS,
        )
    # Plain HTTP is allowed to this machine only, where no other can read the requests, unless
    # AWS_ALLOW_HTTP is set.
    client: ClientConfig = {"timeout": REQUEST_TIMEOUT}
    endpoints = [os.environ[name] for name in _ENDPOINTS if name in os.environ]
    if any(is_loopback(urlsplit(endpoint).netloc) for endpoint in endpoints):
        client["allow_http"] = True
    retry: RetryConfig = {"max_retries": TRIES, "retry_timeout": RETRY_TIMEOUT}
    with _state_errors(f"use {address}"):
        store = from_url(address.text, client_options=client, retry_config=retry)
    return ObjectState(Bucket(str(address).rstrip("/"), store), Times(settings.clock))


class Bucket:
    """A bucket, or a prefix in it, as a store."""

    def __init__(self, place: str, store: ObjectStore) -> None:
        """Use a bucket; nothing is sent yet."""
        self.place = place
        self._store = store

    def get(self, name: str) -> Stored | None:
        """Read an object as it is now; None if it does not exist."""
        with _state_errors(f"read {self.place}/{name}"):
            try:
                stored = obstore.get(self._store, name)
                return Stored(bytes(stored.bytes()), _version(stored.meta))
            except FileNotFoundError:
                return None

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read objects that are never replaced, in parallel, in the order of `names`."""
        with ThreadPoolExecutor(READERS) as pool:
            yield from pool.map(self._content, names)

    def names(self, folder: str) -> Sequence[str]:
        """List the names below a folder, sorted."""
        with _state_errors(f"list {self.place}/{folder}"):
            listed = obstore.list(self._store, folder).collect()
            return sorted(entry["path"] for entry in listed)

    def create(self, name: str, content: bytes) -> str | None:
        """Create an object; return its version, None if it exists already."""
        return self._put(name, content, "create")

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Replace one version of an object; return the new version, None if it was changed."""
        return self._put(name, content, cast("UpdateVersion", json.loads(version)))

    def check(self) -> None:
        """Check that objects can be written, and that the store honours conditional writes."""
        # A name of its own, since runs in parallel may check the same store.
        name = f"_probe/{uuid4()}"
        probe(self, name)
        with _state_errors(f"remove {self.place}/{name}"):
            obstore.delete(self._store, name)

    def _put(self, name: str, content: bytes, mode: "PutMode") -> str | None:
        with _state_errors(f"write {self.place}/{name}"):
            try:
                return _version(obstore.put(self._store, name, content, mode=mode))
            # Stores differ in which of the two they report for an object that exists.
            except (AlreadyExistsError, PreconditionError):
                return None

    def _content(self, name: str) -> bytes:
        stored = self.get(name)
        if stored is None:
            raise object_missing(self, name)
        return stored.content


def _version(metadata: "ObjectMeta | PutResult") -> str:
    """Return what identifies a version of an object, as JSON."""
    # A write to Google Cloud Storage is conditional on `version`, to S3 and Azure on the ETag.
    return json.dumps({key: metadata[key] for key in ("e_tag", "version") if metadata[key]})


@contextmanager
def _state_errors(doing: str) -> Iterator[None]:
    """Turn an error of the store into a StateError with cause and hint."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise StateError(f"cannot {doing}: {_cause(error)}", hint=_RIGHTS) from error
    # A bucket that does not exist is a FileNotFoundError, too.
    except (BaseError, FileNotFoundError) as error:
        raise StateError(f"cannot {doing}: {_cause(error)}", hint=_DEFAULT_ADVICE) from error


def _cause(error: Exception) -> str:
    """Return the first line of a message, without URL queries: they may contain signatures."""
    return _QUERY.sub("", str(error).partition("\n")[0])
