"""The two servers behind GitHub Packages: the REST API and the registry, each with its limits."""

from dataclasses import dataclass

import httpx

from reconciler.providers.documents import Documents
from reconciler.providers.ghcr_access import Need, failure
from reconciler.providers.ghcr_api import GitHubApi
from reconciler.transport.auth import RegistryAuth
from reconciler.transport.budget import WINDOW_SECONDS, Budget
from reconciler.transport.cache import ManifestCache
from reconciler.transport.challenges import Challenge
from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.github import RETRY, TokenKind, open_github
from reconciler.transport.http import Client, connect
from reconciler.transport.limited import LimitedTransport
from reconciler.transport.limits import GHCR, GITHUB
from reconciler.transport.realms import on_own_host
from reconciler.transport.watch import RunClock


@dataclass(frozen=True, slots=True)
class GitHubHost:
    """Where one GitHub is, and what its API allows.

    Units: `points` in a minute of its secondary limit; `minute` is how long that is, in seconds.
    """

    api_url: str
    registry_url: str
    points: int = GITHUB.allowed
    minute: float = WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class GhcrConnection:
    """What is shared by all repositories of one host: clients, documents, the API's budget."""

    api: GitHubApi
    registry: Client
    documents: Documents
    budget: Budget
    watch: RunClock

    @classmethod
    def open(
        cls, host: GitHubHost, token: str, cache: ManifestCache, watch: RunClock
    ) -> "GhcrConnection":
        """Open both servers with one token, which may be empty; nothing is sent yet."""
        kind = TokenKind.of(token)
        api, budget = open_github(
            host.api_url, token, watch, points=host.points, minute=host.minute
        )
        registry = Client(
            host.registry_url,
            watch,
            transport=LimitedTransport(connect(host.registry_url, watch), GHCR, watch),
            auth=_registry_auth(host.registry_url, token, watch),
            retry=RETRY,
        )
        documents = Documents(registry, cache, lambda reply: failure(reply, kind, Need.READ))
        return cls(GitHubApi(api, kind), registry, documents, budget, watch)

    @property
    def requests(self) -> int:
        """How many requests were sent to both servers."""
        return self.api.client.requests + self.registry.requests

    def close(self) -> None:
        """Close all connections."""
        self.api.client.close()
        self.registry.close()


def _registry_auth(registry_url: str, token: str, watch: RunClock) -> RegistryAuth:
    """Authenticate at GitHub's token endpoint, which is known and need not be asked for.

    Credentials go there and never to the registry, which denies them without a challenge. Any
    user name does: the token is the password.
    """
    service = httpx.URL(registry_url).netloc.decode()
    return RegistryAuth(
        registry_url,
        Credential("token", token, source="GITHUB_TOKEN") if token else ANONYMOUS,
        challenge=Challenge("bearer", {"realm": f"{registry_url}/token", "service": service}),
        trusts=on_own_host,
        monotonic=watch.monotonic,
    )
