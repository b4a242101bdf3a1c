"""Which token servers may see the credentials of a registry."""

import httpx
import pytest

from reconciler.transport.tokens import trust_over_tls, trust_own_host


@pytest.mark.parametrize(
    ("registry", "realm", "trusted"),
    [
        ("https://ghcr.io", "https://ghcr.io/token", (True, True)),
        ("https://registry-1.docker.io", "https://auth.docker.io/token", (True, False)),
        ("https://registry.example:5000", "https://registry.example:5001/token", (True, True)),
        ("https://ghcr.io", "https://ghcr.io.evil.example/token", (True, False)),
        ("https://ghcr.io", "http://ghcr.io/token", (False, False)),
        ("https://ghcr.io", "http://127.0.0.1/token", (False, False)),
        ("https://ghcr.io", "ftp://ghcr.io/token", (False, False)),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token", (True, True)),
        ("http://127.0.0.1:5000", "http://localhost:5001/token", (True, False)),
        ("http://registry.inside:5000", "http://registry.inside:5001/token", (True, True)),
        ("http://registry.inside:5000", "https://registry.inside/token", (True, True)),
        ("http://registry.inside:5000", "http://other.inside/token", (False, False)),
        ("http://registry.inside:5000", "https://evil.example/token", (False, False)),
    ],
)
def test_a_realm_is_trusted_as_far_as_its_name_can_be(
    registry: str, realm: str, trusted: tuple[bool, bool]
) -> None:
    urls = httpx.URL(registry), httpx.URL(realm)

    assert (trust_over_tls(*urls), trust_own_host(*urls)) == trusted
