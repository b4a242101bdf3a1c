"""Authenticate at a registry: anonymously, with Basic, or with a token for each repository.

Source: distribution, docs/spec/auth/token.md and docs/spec/auth/oauth.md.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Generator
from threading import Lock
from typing import TypeAlias

import httpx

from reconciler.errors import ProtocolError
from reconciler.model.base import public, safe
from reconciler.transport.credentials import Credential, Credentials
from reconciler.transport.tokens import (
    Challenge,
    RealmRule,
    Token,
    challenges_of,
    repository_in,
    scope_of,
    token_of,
    token_request,
    trust_over_tls,
)
from reconciler.transport.watch import RunClock

Flow: TypeAlias = Generator[httpx.Request, httpx.Response, None]


class BearerAuth(httpx.Auth):
    """Sends one token with every request, as the GitHub API expects."""

    def __init__(self, token: str) -> None:
        """Use a token."""
        self._header = f"Bearer {token}"

    def auth_flow(self, request: httpx.Request) -> Flow:
        """Add the token."""
        request.headers["Authorization"] = self._header
        yield request


class RegistryAuth(httpx.Auth):
    """Answers the challenges of a registry, and remembers them.

    A token is requested once for each repository and right, shared by all threads, and renewed
    shortly before it expires and once after a 401. If the token server refuses, its response is
    the response to the request. A token server that is not trusted gets no request.
    """

    def __init__(
        self,
        base_url: str,
        credential: Credential,
        *,
        challenge: Challenge | None = None,
        trusts: RealmRule = trust_over_tls,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Authenticate at the registry at `base_url`; a known `challenge` saves the first 401."""
        self._registry = httpx.URL(base_url)
        self._credential = credential
        self._challenges = {True: challenge, False: challenge} if challenge else {}
        """The last challenge for requests about a repository (True), and for all others."""
        self._trusts = trusts
        self._monotonic = monotonic
        self._lock = Lock()
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)
        """One for each scope: the repositories of others do not wait for its token."""

        self._tokens: dict[str, Token] = {}

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Send a request with the known credential, and after a 401 with the requested one."""
        repository = repository_in(request.url.path)
        if known := self._challenge_for(repository):
            ready = yield from self._authorise(request, known)
            # The refusal of the token server is then the response to the request.
            if not ready:
                return
        response = yield request
        if response.status_code != 401:
            return
        # Tokens before passwords: a token is valid for one repository and some minutes only.
        offered = {challenge.scheme: challenge for challenge in challenges_of(response)}
        challenge = offered.get("bearer")
        if not (challenge and challenge.realm):
            challenge = offered.get("basic") if self._credential.password else None
        if challenge:
            self._challenges[bool(repository)] = challenge
            refused = request.headers.get("Authorization", "")
            ready = yield from self._authorise(request, challenge, refused)
            # The same credential would only be refused again.
            if ready and request.headers["Authorization"] != refused:
                yield request

    def _challenge_for(self, repository: str) -> Challenge | None:
        """Return the known challenge for a repository, or for the catalogue (empty).

        Where only the other one is known, it is used if it names a token server.

        Harbor requests a password for its catalogue and tokens for repositories. It computes a
        slow hash of each password, so a password is sent only where it was requested.
        """
        own, other = (self._challenges.get(kind) for kind in (bool(repository), not repository))
        return own or (other if other and other.scheme == "bearer" else None)

    def _authorise(
        self, request: httpx.Request, challenge: Challenge, refused: str = ""
    ) -> Generator[httpx.Request, httpx.Response, bool]:
        """Add a credential to a request; False if the token server refused."""
        if challenge.scheme == "basic":
            user = httpx.BasicAuth(self._credential.username, self._credential.password)
            next(user.auth_flow(request))
            return True
        token = yield from self._token(challenge, scope_of(request), refused)
        if token:
            request.headers["Authorization"] = token.header
        return token is not None

    def _token(
        self, challenge: Challenge, scope: str, refused: str
    ) -> Generator[httpx.Request, httpx.Response, Token | None]:
        """Return a token for a scope, a new one if there is none or it was refused."""
        with self._lock:
            own = self._locks[scope]
        # The lock is held while the token is requested, so that parallel threads request it once.
        with own:
            known = self._tokens.get(scope)
            if known and known.header != refused and self._monotonic() < known.stale_at:
                return known
            response = yield token_request(
                self._realm(challenge), challenge, scope, self._credential
            )
            token = token_of(response, self._monotonic())
            if token:
                self._tokens[scope] = token
            return token

    def _realm(self, challenge: Challenge) -> httpx.URL:
        """Return the address of the token server, if it is trusted."""
        try:
            realm = self._registry.join(challenge.realm)
        except httpx.InvalidURL as error:
            raise ProtocolError(
                f"{self._registry}: its challenge has no valid token server: {error}"
            ) from error
        if not self._trusts(self._registry, realm):
            raise ProtocolError(
                f"{self._registry}: credentials must not be sent to the token server in its"
                f" challenge: {safe(public(str(realm)))}",
                hint="If you run this registry, configure TLS for its token server.",
            )
        return realm


class RepositoryAuth(httpx.Auth):
    """Authenticates each request with the credential of its repository."""

    def __init__(self, base_url: str, credentials: Credentials, watch: RunClock) -> None:
        """Look up the credential of a repository at its first request."""
        self._base_url = base_url
        self._credentials = credentials
        self._watch = watch
        self._lock = Lock()
        self._known: dict[Credential, RegistryAuth] = {}

    def sync_auth_flow(self, request: httpx.Request) -> Flow:
        """Send a request with the credential of its repository."""
        credential = self._credentials(repository_in(request.url.path))
        # Repositories with the same credential share its tokens.
        with self._lock:
            if credential not in self._known:
                self._known[credential] = RegistryAuth(
                    self._base_url, credential, monotonic=self._watch.monotonic
                )
            auth = self._known[credential]
        # Outside the lock: a slow token server must not delay the requests of other threads.
        yield from auth.sync_auth_flow(request)
