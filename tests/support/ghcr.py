"""Clients of GitHub Packages for tests: against a sandbox, or against answers made up in place."""

from collections.abc import Callable
from pathlib import Path

import httpx

from reconciler.github.client import TokenKind
from reconciler.providers.documents import Documents
from reconciler.providers.ghcr.api import GhcrConnection, GitHubApi, GitHubHost
from reconciler.providers.ghcr.errors import Need, failure
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.transport.auth import BearerAuth
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client
from reconciler.transport.limits import GITHUB
from reconciler.transport.pacing import LimitedTransport
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
    kind = TokenKind.of(token)
    limited = LimitedTransport(httpx.MockTransport(handler), GITHUB, watch)
    auth = BearerAuth(token) if token else None
    api = GitHubApi(Client(api_url, watch, transport=limited, auth=auth), kind)
    registry = Client("https://ghcr.example", watch, transport=httpx.MockTransport(handler))
    documents = Documents(
        registry, ManifestCache(None), lambda reply: failure(reply, kind, Need.READ)
    )
    return GhcrRegistry(GhcrConnection(api, registry, documents, limited.budget, watch))
