"""The two servers of GitHub Packages, each with its limits, and where the API has a package."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from urllib.parse import quote

import httpx

from reconciler.errors import ExhaustedError, InvalidNameError, ReconcilerError
from reconciler.github.client import RETRY, GitHubClient, TokenKind, failure
from reconciler.model.names import Repository
from reconciler.providers.documents import DocumentReader
from reconciler.providers.ghcr.errors import Need
from reconciler.providers.ghcr.pages import PAGE_SIZE
from reconciler.providers.ghcr.rows import PackageRow, packages_of, text_of
from reconciler.transport.auth import RegistryAuth
from reconciler.transport.bounds import MAX_NAMES
from reconciler.transport.budget import WINDOW_SECONDS
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client, connect
from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.limits import GHCR, GITHUB
from reconciler.transport.pacing import LimitedTransport
from reconciler.transport.replies import place
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
        # GitHub's token endpoint is known, so that no challenge is needed. Credentials are sent
        # there and never to the registry, which rejects them without a challenge.
        service = httpx.URL(host.registry_url).netloc.decode()
        realm = {"realm": f"{host.registry_url}/token", "service": service}
        auth = RegistryAuth(
            host.registry_url,
            # Any user name is accepted: the token is the password.
            Credential("token", token, source="GITHUB_TOKEN") if token else ANONYMOUS,
            challenge=Challenge("bearer", realm),
            trusts=trust_own_host,
            monotonic=watch.monotonic,
        )
        registry = Client(
            host.registry_url,
            watch,
            transport=LimitedTransport(connect(host.registry_url, watch), GHCR, watch),
            auth=auth,
            retry=RETRY,
        )
        documents = DocumentReader(
            registry,
            cache,
            lambda reply: failure(reply, api.kind, Need.READ),
            # Each has a thread, which waits while fewer are allowed in flight.
            parallel=GHCR.in_flight[1],
        )
        return cls(api, registry, documents)

    def close(self) -> None:
        """Close all connections."""
        self.api.close()
        self.registry.close()


_NO_USER = (TokenKind.NONE, TokenKind.ACTIONS)
"""Kinds of token that belong to no user, so that `GET /user` is refused."""


class Packages:
    """Finds the path of a package: below `/orgs/OWNER`, `/users/OWNER`, or `/user` (own)."""

    def __init__(self, api: GitHubClient) -> None:
        """Read through an API client."""
        self._api = api
        self._lock = Lock()
        self._prefixes: dict[str, str] = {}
        self._login: str | None = None
        self._listed: dict[str, tuple[PackageRow, ...] | ReconcilerError] = {}
        """The packages of each owner, or the error of listing them."""

    def path(self, repository: Repository) -> str:
        """Return the path of a package; its name, slashes included, is one path segment."""
        owner, _, name = repository.path.partition("/")
        if not name:
            raise InvalidNameError("package (HOST/OWNER/NAME)", repository)
        return f"{self._prefix(owner)}/packages/container/{quote(name, safe='')}"

    def of(self, owner: str) -> Sequence[PackageRow]:
        """List the packages of an owner that the token may see; requested once.

        Raises: AccessError, for the token of a workflow, which may not list packages;
            EvidenceError.
        """
        if owner not in self._listed:
            try:
                self._listed[owner] = tuple(self._read(owner))
            except ReconcilerError as error:
                self._listed[owner] = error
        listed = self._listed[owner]
        if isinstance(listed, ReconcilerError):
            raise listed
        return listed

    def _read(self, owner: str) -> Iterator[PackageRow]:
        count = 0
        path = f"{self._prefix(owner)}/packages?package_type=container&per_page={PAGE_SIZE}"
        for response in self._api.pages(path, Need.LIST):
            packages = packages_of(response)
            count += len(packages)
            if count > MAX_NAMES:
                raise ExhaustedError(
                    f"{place(response)}: {owner} has more than {MAX_NAMES} packages"
                )
            yield from packages

    def _prefix(self, owner: str) -> str:
        """Return the path of an owner; requested once."""
        with self._lock:
            if owner not in self._prefixes:
                account = self._api.read(f"/users/{quote(owner, safe='')}", Need.READ)
                if text_of(account, "type") == "Organization":
                    prefix = f"/orgs/{owner}"
                else:
                    prefix = "/user" if owner == self._own_login() else f"/users/{owner}"
                self._prefixes[owner] = prefix
            return self._prefixes[owner]

    def _own_login(self) -> str:
        """Return the login of the token's user, in lower case; empty if it belongs to no user."""
        if self._login is None:
            self._login = ""
            if self._api.kind not in _NO_USER:
                response = self._api.get("/user")
                self._login = text_of(response, "login").lower() if response.is_success else ""
        return self._login
