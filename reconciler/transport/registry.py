"""A client of one OCI registry, with a credential for each repository."""

from threading import Lock

import httpx

from reconciler.model.base import HUB
from reconciler.transport.auth import Flow, RegistryAuth
from reconciler.transport.client import Client
from reconciler.transport.credentials import Credential, Credentials, anonymous
from reconciler.transport.replies import registry_url
from reconciler.transport.tokens import repository_in
from reconciler.transport.watch import RunClock

_ENDPOINTS = {HUB: "registry-1.docker.io"}
"""Registries with another host than their images. Source: distribution/reference, "normalize"."""


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
        credential = self._credentials(repository_in(request.url))
        # Repositories with the same credential share its tokens.
        with self._lock:
            if credential not in self._known:
                self._known[credential] = RegistryAuth(
                    self._base_url, credential, monotonic=self._watch.monotonic
                )
            auth = self._known[credential]
        # Outside the lock: a slow token server must not delay the requests of other threads.
        yield from auth.sync_auth_flow(request)


def open_registry(
    host: str, watch: RunClock, *, plain_http: bool, credentials: Credentials = anonymous
) -> Client:
    """Open a client of the registry that has the images of `host`; nothing is sent yet."""
    base_url = registry_url(_ENDPOINTS.get(host, host), plain_http=plain_http)
    return Client(base_url, watch, auth=RepositoryAuth(base_url, credentials, watch))
