"""Connections to the registries of a run, one for each host, opened when first needed."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TypeVar

from reconciler.model.base import HUB
from reconciler.model.names import Repository
from reconciler.model.ports import Clock, Registry, RegistryReader
from reconciler.providers.documents import PARALLEL_READS
from reconciler.providers.ghcr.api import GhcrConnection, GitHubHost
from reconciler.providers.ghcr.reader import GhcrReader
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.providers.oci.reader import OciReader
from reconciler.providers.oci.registry import OciRegistry
from reconciler.settings import Settings
from reconciler.transport.auth import RepositoryAuth
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client, connect
from reconciler.transport.credentials import (
    ConfigFile,
    Credentials,
    RegistryCredentials,
    anonymous,
    credential_paths,
)
from reconciler.transport.pacing import BoundedTransport
from reconciler.transport.parallel import Room, call_each
from reconciler.transport.replies import registry_url
from reconciler.transport.watch import RunClock

Item = TypeVar("Item")
Value = TypeVar("Value")

REPOSITORIES_AT_ONCE = 16
"""Each waits for its own listing before it can read in parallel."""

VERSIONS_AT_ONCE = 30_000
"""Versions in memory at once, of repositories that are planned together: some 10 kB each."""

CACHE_FILE = "manifests.sqlite3"

_ENDPOINTS = {HUB: "registry-1.docker.io"}
"""Registries with another host than their images. Source: distribution/reference, "normalize"."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to one registry host: a read-only client and one that may delete."""

    reader: RegistryReader
    registry: Registry
    close: Callable[[], None]


@dataclass(frozen=True)
class Registries:
    """Opens the registries that policies name; close it when done."""

    settings: Settings
    cache: ManifestCache
    watch: RunClock
    _open: dict[str, Connection] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    room: Room = field(default_factory=lambda: Room(VERSIONS_AT_ONCE))
    """Where repositories that are read at once wait for one another, if they are large."""

    def reader(self, host: str) -> RegistryReader:
        """Return the read-only client of a host; planning gets no other."""
        return self._connection(host).reader

    def registry(self, repository: Repository) -> Registry:
        """Return the client that may delete in a repository."""
        return self._connection(repository.registry).registry

    def each(self, function: Callable[[Item], Value], items: Iterable[Item]) -> list[Value]:
        """Call a function that reads one repository for each item, several at once.

        Returns: the results in the order of the items. The error of the first item that failed is
            raised; it and an interrupt end all reads, and the registries cannot be used again.
        """
        return call_each(function, items, REPOSITORIES_AT_ONCE, self.watch.stop)

    def close(self) -> None:
        """Close all connections and the cache."""
        for connection in self._open.values():
            connection.close()
        self.cache.close()

    def _connection(self, host: str) -> Connection:
        with self._lock:
            if host not in self._open:
                kind = self.settings.registry_for(host).kind
                self._open[host] = KINDS[kind](host, self.settings, self.cache, self.watch)
            return self._open[host]


def open_registry(
    host: str, watch: RunClock, *, plain_http: bool, credentials: Credentials = anonymous
) -> Client:
    """Open a client of the registry that has the images of `host`; nothing is sent yet."""
    base_url = registry_url(_ENDPOINTS.get(host, host), plain_http=plain_http)
    return Client(
        base_url,
        watch,
        transport=BoundedTransport(connect(base_url, watch), PARALLEL_READS),
        auth=RepositoryAuth(base_url, credentials, watch),
    )


def _open_ghcr(host: str, settings: Settings, cache: ManifestCache, watch: RunClock) -> Connection:
    options = settings.registry_for(host)
    token = settings.token_for(host)
    where = GitHubHost(
        options.api or "",
        registry_url(host, plain_http=options.plain_http),
        points=options.points_per_minute,
    )
    # Without a token, too: public images can be read, and the error of a DELETE names the token.
    secret = token.get_secret_value() if token else ""
    connection = GhcrConnection.open(where, secret, cache, watch)
    return Connection(GhcrReader(connection), GhcrRegistry(connection), connection.close)


def _open_oci(host: str, settings: Settings, cache: ManifestCache, watch: RunClock) -> Connection:
    paths = credential_paths(os.environ, Path.home())
    credentials = RegistryCredentials(host, [ConfigFile.read(path) for path in paths])
    plain_http = settings.registry_for(host).plain_http
    client = open_registry(host, watch, plain_http=plain_http, credentials=credentials)
    reader = OciReader(client, cache, credentials)
    return Connection(reader, OciRegistry(client, cache, credentials), client.close)


KINDS: Mapping[str, Callable[[str, Settings, ManifestCache, RunClock], Connection]] = {
    "ghcr": _open_ghcr,
    "oci": _open_oci,
}
"""How each kind of registry is opened: a new kind is one line here."""


@contextmanager
def open_registries(
    settings: Settings, clock: Clock, sleep: Callable[[float], None] | None = None
) -> Iterator[Registries]:
    """Open the manifest cache, and registries as they are needed; close all of it after.

    `sleep` is given seconds; it may raise StoppedError to end a run that waits.
    """
    cache = ManifestCache(settings.cache_path / CACHE_FILE)
    registries = Registries(settings, cache, RunClock(clock, sleep=sleep))
    try:
        yield registries
    finally:
        registries.close()
