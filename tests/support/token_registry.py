"""A registry that wants tokens, and the server that gives them."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from reconciler.transport.auth import RegistryAuth
from reconciler.transport.client import Client
from reconciler.transport.credentials import Credential
from tests.support.scripted_server import REGISTRY, client_of
from tests.support.time import VirtualTime

ROBOT = Credential("robot", "s3cret", source="a test")
BASIC = f"Basic {base64.b64encode(b'robot:s3cret').decode()}"
REALM = "https://auth.example/token"


@dataclass
class TokenRegistry:
    """Gives numbered tokens; `answer` and `status` replace what its token server says.

    Shape: `sent` holds the host and the authorization of each request.
    """

    realm: str = REALM
    answer: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    name: str = "token"
    good: set[str] = field(default_factory=set)
    tokens: list[httpx.Request] = field(default_factory=list)
    sent: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the registry or as its token server."""
        authorization = request.headers.get("authorization", "")
        self.sent.append((request.url.host, authorization))
        if request.url.path == "/token":
            self.tokens.append(request)
            token = f"T{len(self.tokens)}"
            self.good.add(f"Bearer {token}")
            return httpx.Response(self.status, json={self.name: token, **self.answer})
        if authorization in self.good:
            return httpx.Response(200)
        challenge = f'Bearer realm="{self.realm}",service="registry",scope="ignored"'
        return httpx.Response(401, headers={"www-authenticate": challenge})


def reader(
    registry: Callable[[httpx.Request], httpx.Response],
    credential: Credential = ROBOT,
    *,
    time: VirtualTime | None = None,
    **options: Any,
) -> Client:
    """Open a client that authenticates."""
    time = time or VirtualTime()
    auth = RegistryAuth(REGISTRY, credential, monotonic=lambda: time.seconds, **options)
    return client_of(registry, auth=auth, time=time)
