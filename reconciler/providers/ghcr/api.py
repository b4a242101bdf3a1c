"""The two servers behind GitHub Packages, each with its limits, and how the REST API is called.

Source: GitHub's OpenAPI description.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from reconciler.github.client import HEADERS, RETRY, TokenKind, open_github
from reconciler.providers.documents import Documents
from reconciler.providers.ghcr.errors import Need, failure
from reconciler.transport.auth import RegistryAuth
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client, connect
from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.limits import GHCR, GITHUB
from reconciler.transport.pacing import WINDOW_SECONDS, Budget, LimitedTransport
from reconciler.transport.tokens import Challenge, on_own_host
from reconciler.transport.watch import RunClock

_WANTED = (200, 304)


class GitHubApi:
    """Calls with one token. Shape: paths begin with a slash and are encoded."""

    def __init__(self, client: Client, kind: TokenKind) -> None:
        """Call through a client that shows a token of this kind."""
        self.client = client
        self.kind = kind

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Read a path; any status comes back."""
        return self.client.get(path, headers={**HEADERS, **(headers or {})})

    def read(
        self, path: str, need: Need = Need.READ, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Read a path whose answer must be a 200, or a 304 where that was asked for.

        Raises: AccessError, UnreachableError, ProtocolError.
        """
        response = self.get(path, headers)
        if response.status_code not in _WANTED:
            raise failure(response, self.kind, need)
        return response

    def write(self, method: str, path: str) -> httpx.Response:
        """Send a change at once and only once; any status comes back but a limit's refusal.

        Raises: PostponedError, where it was not carried out; UnreachableError.
        """
        return self.client.write_at_once(method, path, headers=HEADERS)


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
