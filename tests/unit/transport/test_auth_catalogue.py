"""A registry that asks for one credential for its catalogue and another one for repositories."""

from collections import Counter

import httpx
import pytest

from tests.support.token_registry import BASIC, TokenRegistry, reader


class CatalogueRegistry:
    """Requests `scheme` for the catalogue, and tokens for repositories, as Harbor does with Basic.

    Shape: `sent` counts the requests to the registry by path and kind of authorization.
    """

    def __init__(self, scheme: str) -> None:
        """Give no token yet."""
        self.inner = TokenRegistry()
        self._scheme = scheme
        self.sent: Counter[tuple[str, str]] = Counter()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as the registry or as its token server."""
        authorization = request.headers.get("authorization", "")
        path = request.url.path
        self.sent[path, authorization.partition(" ")[0]] += 1
        # Harbor accepts a password everywhere, and computes a slow hash of it for each request.
        if authorization == BASIC and path != "/token":
            return httpx.Response(200)
        if path == "/v2/_catalog" and self._scheme == "Basic":
            return httpx.Response(401, headers={"www-authenticate": 'Basic realm="harbor"'})
        return self.inner(request)

    def with_scheme(self, scheme: str) -> int:
        """Count the requests for documents that were sent with one kind of authorization."""
        return sum(
            count
            for (path, sent), count in self.sent.items()
            if sent == scheme and path.startswith("/v2/acme/")
        )


@pytest.fixture
def harbor() -> CatalogueRegistry:
    """Challenge the catalogue with Basic, all else with Bearer."""
    return CatalogueRegistry("Basic")


def test_a_password_for_the_catalogue_is_not_sent_with_requests_for_repositories(
    harbor: CatalogueRegistry,
) -> None:
    client = reader(harbor)

    client.get("/v2/_catalog")
    for number in range(20):
        for tag in ("v1", "v2"):
            assert client.get(f"/v2/acme/web-{number}/manifests/{tag}").status_code == 200

    assert harbor.with_scheme("Basic") == 0
    assert harbor.with_scheme("Bearer") == 40
    # One request shows that repositories need tokens, and not one of each repository.
    assert harbor.with_scheme("") == 1
    assert len(harbor.inner.tokens) == 20


def test_the_catalogue_is_read_again_with_what_it_asked_for(harbor: CatalogueRegistry) -> None:
    client = reader(harbor)

    for path in ("_catalog", "acme/web/tags/list", "_catalog", "acme/web/tags/list", "_catalog"):
        assert client.get(f"/v2/{path}").status_code == 200

    assert harbor.sent["/v2/_catalog", ""] == 1
    assert harbor.sent["/v2/_catalog", "Basic"] == 3
    assert harbor.sent["/v2/acme/web/tags/list", ""] == 1


def test_the_catalogue_after_a_repository_gets_what_it_asks_for(
    harbor: CatalogueRegistry,
) -> None:
    client = reader(harbor)

    for path in ("acme/web/tags/list", "_catalog", "acme/web/manifests/v1", "_catalog"):
        assert client.get(f"/v2/{path}").status_code == 200

    assert harbor.sent["/v2/_catalog", "Basic"] == 2
    assert harbor.with_scheme("Bearer") == 2
    assert harbor.with_scheme("") == 1


def test_one_token_server_for_all_is_found_with_a_single_401() -> None:
    registry = CatalogueRegistry("Bearer")
    client = reader(registry)

    for path in ("_catalog", "acme/web/tags/list", "acme/api/tags/list", "_catalog"):
        assert client.get(f"/v2/{path}").status_code == 200

    assert registry.sent["/v2/_catalog", ""] == 1
    assert registry.with_scheme("") == 0
