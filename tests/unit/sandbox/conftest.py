"""A sandbox with one small package, and clients that speak to it over real HTTP."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from reconciler.sandbox.artifacts import image
from reconciler.sandbox.generate import Build, push_build
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import SandboxSettings

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""No certificates: nothing here speaks TLS, and loading them takes longer than a test."""

CLASSIC = "ghp_sandbox"
ACTIONS = "ghs_sandbox"

Serve = Callable[..., "Client"]


class Client:
    """A sandbox that is being served, and an HTTP client that knows its address."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        """Keep both."""
        self.sandbox = sandbox
        self.http = http

    def call(self, method: str, path: str, token: str = CLASSIC, **parts: Any) -> Any:
        """Call the REST API with a token, or without any when it is empty."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        headers |= parts.pop("headers", {})
        return self.http.request(method, path, headers=headers, **parts)

    def registry_token(self, scope: str, password: str = CLASSIC) -> str:
        """Fetch a registry token, anonymously when the password is empty."""
        auth = ("user", password) if password else None
        reply = self.http.get("/token", params={"service": "x", "scope": scope}, auth=auth)
        return str(reply.json().get("token", ""))


def small_package(name: str = "web", *, public: bool = False) -> StoredPackage:
    """Return `acme/<name>`: two builds that share `main`, and one lone image `old`."""
    package = StoredPackage.of(f"acme/{name}", NOW - 30 * DAY, "public" if public else "private")
    package.push(image("old"), "old", at=NOW - 20 * DAY)
    push_build(package, Build("c0", "1", NOW - 10 * DAY, ("main", "sha-0")))
    push_build(package, Build("c1", "2", NOW - 5 * DAY, ("main", "sha-1")))
    return package


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve sandboxes until the end of the test."""
    with ExitStack() as stack:

        def start(*packages: StoredPackage, **settings: Any) -> Client:
            chosen = SandboxSettings(**{"now": lambda: NOW, **settings})
            sandbox = Sandbox(chosen, packages or (small_package(),))
            stack.enter_context(sandbox.serve())
            http = httpx.Client(base_url=sandbox.url, verify=PLAIN)
            return Client(sandbox, stack.enter_context(http))

        yield start
