"""Clients of GitHub Packages for tests: against a sandbox, or against answers made up in place."""

from collections.abc import Callable
from pathlib import Path

import httpx

from reconciler.github.client import GitHubClient, failure
from reconciler.providers.documents import DocumentReader
from reconciler.providers.ghcr.api import GhcrConnection, GitHubHost
from reconciler.providers.ghcr.errors import Need
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client
from tests.support.time import VirtualTime

CLASSIC = "ghp_sandbox"

Handler = Callable[[httpx.Request], httpx.Response]


def ghcr_at(
    url: str, token: str = CLASSIC, *, time: VirtualTime | None = None, cache: Path | None = None
) -> GhcrRegistry:
    """Open the API and the registry that both answer at one URL; waits pass at once."""
    watch = (time or VirtualTime()).watch()
    return GhcrRegistry(
        GhcrConnection.open(GitHubHost(url, url), token, ManifestCache(cache), watch)
    )


def ghcr_answering(
    handler: Handler,
    token: str = CLASSIC,
    *,
    api_url: str = "https://api.github.example",
    time: VirtualTime | None = None,
) -> GhcrRegistry:
    """Open an API and a registry whose every answer comes from a function."""
    watch = (time or VirtualTime()).watch()
    transport = httpx.MockTransport(handler)
    api = GitHubClient.open(api_url, token, watch, transport=transport)
    registry = Client("https://ghcr.example", watch, transport=transport)
    documents = DocumentReader(
        registry, ManifestCache(None), lambda reply: failure(reply, api.kind, Need.READ)
    )
    return GhcrRegistry(GhcrConnection(api, registry, documents))
