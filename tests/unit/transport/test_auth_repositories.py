"""A client of one registry, with a credential for each repository."""

import httpx
import pytest

from reconciler.connect import open_registry
from reconciler.transport.auth import RepositoryAuth
from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.direct import DirectTransport
from reconciler.transport.tokens import repository_in
from tests.support.scripted_server import REGISTRY, client_of
from tests.support.time import VirtualTime
from tests.support.token_registry import TokenRegistry

WEB = Credential("web", "one", source="the entry of web")
API = Credential("api", "two", source="the entry of api")


def test_each_repository_is_read_with_its_own_credential() -> None:
    registry = TokenRegistry()
    credentials = {"acme/web": WEB, "acme/api": API}
    auth = RepositoryAuth(
        REGISTRY, lambda path: credentials.get(path, ANONYMOUS), VirtualTime().watch()
    )
    client = client_of(registry, auth=auth)

    for path in ("acme/web/tags/list", "acme/api/manifests/v1", "acme/web/blobs/x", "_catalog"):
        client.get(f"/v2/{path}")

    asked = [
        (request.url.params["scope"], request.headers.get("authorization"))
        for request in registry.tokens
    ]
    assert asked == [
        ("repository:acme/web:pull", "Basic d2ViOm9uZQ=="),
        ("repository:acme/api:pull", "Basic YXBpOnR3bw=="),
        ("registry:catalog:*", None),
    ]


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("https://x.example/v2/acme/web/manifests/v1", "acme/web"),
        ("https://x.example/v2/acme/web/tags/list?n=1000", "acme/web"),
        ("https://x.example/v2/acme/manifests/blobs/sha256:00", "acme/manifests"),
        ("https://x.example/v2/acme/web/referrers/sha256:00", "acme/web"),
        ("https://x.example/v2/_catalog", ""),
        ("https://x.example/v2/", ""),
        ("https://x.example/token?scope=repository:acme/web:pull", ""),
    ],
)
def test_the_repository_is_read_from_the_address(url: str, repository: str) -> None:
    assert repository_in(httpx.URL(url).path) == repository


@pytest.mark.parametrize(
    ("host", "plain_http", "url"),
    [
        ("registry.example", False, "https://registry.example/v2/"),
        ("127.0.0.1:5000", True, "http://127.0.0.1:5000/v2/"),
        ("docker.io", False, "https://registry-1.docker.io/v2/"),
    ],
)
def test_a_registry_is_spoken_to_where_it_answers(
    host: str, plain_http: object, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(_: DirectTransport, request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200)

    monkeypatch.setattr(DirectTransport, "handle_request", answer)
    client = open_registry(host, VirtualTime().watch(), plain_http=bool(plain_http))

    client.get("/v2/")
    client.close()

    assert asked == [url]
