"""Tokens of a registry: what is asked for, how long they serve, and when there is a new one."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.tokens import Challenge
from tests.support.time import VirtualTime
from tests.support.token_registry import BASIC, REALM, TokenRegistry, reader

WEB = "/v2/acme/web/manifests/v1"


def test_a_token_is_fetched_once_for_each_repository_and_right() -> None:
    registry = TokenRegistry()
    client = reader(registry)

    for _ in range(2):
        client.get(WEB)
        client.head("/v2/acme/web/tags/list")
        client.get("/v2/acme/api/blobs/sha256:00")
        client.get("/v2/_catalog?n=1000")
        client.write("DELETE", WEB)

    assert [request.url.params["scope"] for request in registry.tokens] == [
        "repository:acme/web:pull",
        "repository:acme/api:pull",
        "registry:catalog:*",
        "repository:acme/web:pull,delete",
    ]
    assert {request.url.params["service"] for request in registry.tokens} == {"registry"}


@pytest.mark.parametrize("name", ["token", "access_token"])
def test_the_password_goes_to_the_token_server_and_the_token_to_the_registry(name: str) -> None:
    registry = TokenRegistry(name=name)

    response = reader(registry).get(WEB)

    assert response.status_code == 200
    assert registry.sent == [
        ("registry.example", ""),
        ("auth.example", BASIC),
        ("registry.example", "Bearer T1"),
    ]


def test_without_credentials_a_token_is_asked_for_anonymously() -> None:
    registry = TokenRegistry()

    response = reader(registry, ANONYMOUS).get(WEB)

    assert response.status_code == 200
    assert "authorization" not in registry.tokens[0].headers


def test_an_identity_token_is_exchanged_and_never_in_a_url() -> None:
    registry = TokenRegistry(name="access_token")

    response = reader(registry, Credential(identity_token="r3fresh")).get(WEB)

    (asked,) = registry.tokens
    form = httpx.QueryParams(asked.content.decode())
    assert response.status_code == 200
    assert (asked.method, str(asked.url)) == ("POST", REALM)
    assert dict(form) == {
        "grant_type": "refresh_token",
        "refresh_token": "r3fresh",
        "service": "registry",
        "scope": "repository:acme/web:pull",
        "client_id": "reconciler",
    }


@pytest.mark.parametrize(
    ("answer", "good_for"),
    [
        ({"expires_in": 300}, 270),
        ({}, 54),
        ({"expires_in": None}, 54),
        ({"expires_in": -1}, 54),
        ({"expires_in": "300"}, 54),
        ({"expires_in": True}, 54),
    ],
)
def test_a_token_is_renewed_shortly_before_it_ends(
    answer: Mapping[str, Any], good_for: float
) -> None:
    time, registry = VirtualTime(), TokenRegistry(answer=answer)
    client = reader(registry, time=time)

    client.get(WEB)
    time.seconds = good_for - 1
    client.get(WEB)
    before = registry.sent[-1]
    time.seconds = good_for + 1
    client.get(WEB)

    assert before == ("registry.example", "Bearer T1")
    assert registry.sent[-2:] == [("auth.example", BASIC), ("registry.example", "Bearer T2")]


def test_a_token_that_is_refused_is_renewed_once() -> None:
    registry = TokenRegistry()
    client = reader(registry)
    client.get(WEB)
    registry.good.clear()  # the registry has forgotten its tokens

    response = client.get(WEB)

    assert response.status_code == 200
    assert len(registry.tokens) == 2


def test_a_right_that_is_missing_is_not_asked_for_again_and_again() -> None:
    registry = TokenRegistry(answer={"token": "of no use"})

    response = reader(registry).get(WEB)

    assert response.status_code == 401
    assert [host for host, _ in registry.sent] == [
        "registry.example",
        "auth.example",
        "registry.example",
    ]


def test_a_deletion_refused_for_want_of_a_token_is_sent_with_one() -> None:
    registry = TokenRegistry()

    response = reader(registry).write("DELETE", WEB)

    assert response.status_code == 200
    assert [authorization for _, authorization in registry.sent] == ["", BASIC, "Bearer T1"]


def test_a_known_token_server_is_asked_at_once() -> None:
    registry = TokenRegistry()
    known = Challenge("bearer", {"realm": REALM, "service": "registry"})

    reader(registry, challenge=known).get(WEB)

    assert registry.sent == [("auth.example", BASIC), ("registry.example", "Bearer T1")]
