"""The two servers of GitHub Packages: the REST API and the registry, each with its limits."""

from dataclasses import dataclass

import httpx

from reconciler.github.client import RETRY, GitHubClient, failure
from reconciler.providers.documents import DocumentReader
from reconciler.providers.ghcr.errors import Need
from reconciler.transport.auth import RegistryAuth
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client, connect
from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.limits import GHCR, GITHUB
from reconciler.transport.pacing import WINDOW_SECONDS, LimitedTransport
from reconciler.transport.tokens import Challenge, trust_own_host
from reconciler.transport.watch import RunClock


@dataclass(frozen=True, slots=True)
class GitHubHost:
    """The addresses of one GitHub, and the limit of its API.

    Units: `points` in a minute of its secondary limit; `minute` is how long that is, in seconds.
    """

    api_url: str
    registry_url: str
    points: int = GITHUB.allowed
    minute: float = WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class GhcrConnection:
    """What all repositories of one host share: both clients, and the documents."""

    api: GitHubClient
    registry: Client
    documents: DocumentReader

    @classmethod
    def open(
        cls, host: GitHubHost, token: str, cache: ManifestCache, watch: RunClock
    ) -> "GhcrConnection":
        """Open both servers with one token, which may be empty; nothing is sent yet."""
        api = GitHubClient.open(host.api_url, token, watch, points=host.points, minute=host.minute)
        registry = Client(
            host.registry_url,
            watch,
            transport=LimitedTransport(connect(host.registry_url, watch), GHCR, watch),
            auth=_registry_auth(host.registry_url, token, watch),
            retry=RETRY,
        )
        documents = DocumentReader(
            registry, cache, lambda reply: failure(reply, api.kind, Need.READ)
        )
        return cls(api, registry, documents)

    @property
    def requests(self) -> int:
        """The number of requests sent to both servers."""
        return self.api.http.requests + self.registry.requests

    def close(self) -> None:
        """Close all connections."""
        self.api.close()
        self.registry.close()


def _registry_auth(registry_url: str, token: str, watch: RunClock) -> RegistryAuth:
    """Authenticate at GitHub's token endpoint, which is known without a challenge.

    Credentials are sent there and never to the registry, which rejects them without a challenge.
    """
    service = httpx.URL(registry_url).netloc.decode()
    return RegistryAuth(
        registry_url,
        # Any user name is accepted: the token is the password.
        Credential("token", token, source="GITHUB_TOKEN") if token else ANONYMOUS,
        challenge=Challenge("bearer", {"realm": f"{registry_url}/token", "service": service}),
        trusts=trust_own_host,
        monotonic=watch.monotonic,
    )
