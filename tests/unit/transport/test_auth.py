"""Authentication at a registry: who is asked, and what each of them is sent."""

import threading
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from reconciler.errors import PostponedError, ProtocolError, UnreachableError
from reconciler.transport.credentials import ANONYMOUS, Credential
from reconciler.transport.parallel import Workers
from reconciler.transport.tokens import trust_own_host
from tests.support.token_registry import BASIC, REALM, TokenRegistry, reader

WEB = "/v2/acme/web/manifests/v1"


def test_nothing_is_sent_to_a_registry_that_asks_for_nothing() -> None:
    requests: list[httpx.Request] = []

    def open_registry(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    reader(open_registry).get(WEB)

    assert ["authorization" in request.headers for request in requests] == [False]


def test_a_password_is_sent_where_it_is_asked_for_and_from_then_on() -> None:
    requests: list[str] = []

    def registry(request: httpx.Request) -> httpx.Response:
        requests.append(request.headers.get("authorization", ""))
        known = requests[-1] == BASIC
        return httpx.Response(
            200 if known else 401, headers={"www-authenticate": 'Basic realm="x"'}
        )

    client = reader(registry)
    statuses = [client.get(WEB).status_code for _ in range(2)]

    assert statuses == [200, 200]
    assert requests == ["", BASIC, BASIC]


def test_a_password_that_is_refused_is_not_sent_twice() -> None:
    requests: list[str] = []

    def registry(request: httpx.Request) -> httpx.Response:
        requests.append(request.headers.get("authorization", ""))
        return httpx.Response(401, headers={"www-authenticate": 'Basic realm="x"'})

    client = reader(registry)
    statuses = [client.get(WEB).status_code for _ in range(2)]

    assert statuses == [401, 401]
    assert requests == ["", BASIC, BASIC]


@pytest.mark.parametrize(
    "header", [None, "Digest realm=x", "Negotiate", 'Basic realm="x"', 'Bearer service="x"']
)
def test_a_challenge_that_cannot_be_met_leaves_the_refusal(header: str | None) -> None:
    headers = {"www-authenticate": header} if header else {}

    response = reader(lambda _: httpx.Response(401, headers=headers), ANONYMOUS).get(WEB)

    assert response.status_code == 401


@pytest.mark.parametrize("status", [401, 403])
def test_the_refusal_of_a_token_server_is_the_answer(status: int) -> None:
    response = reader(TokenRegistry(status=status)).get(WEB)

    assert response.status_code == status
    assert response.request.url.host == "auth.example"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_token_server_that_fails_is_asked_again_and_then_given_up(status: int) -> None:
    registry = TokenRegistry(status=status)

    with pytest.raises(UnreachableError, match=f"GET {REALM} answered {status}"):
        reader(registry).get(WEB)

    assert len(registry.tokens) == 5


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (404, {}),
        (302, {}),
        (200, {"token": None}),
        (200, {"token": ""}),
        (200, {"token": 7}),
        (200, {"token": "two\nlines"}),
        (200, {"token": "nön-ascii"}),
    ],
)
def test_an_answer_that_is_no_token_is_an_error_and_no_absence(
    status: int, answer: Mapping[str, Any]
) -> None:
    with pytest.raises(ProtocolError, match=f"GET {REALM} answered {status}"):
        reader(TokenRegistry(status=status, answer=answer)).get(WEB)


@pytest.mark.parametrize(
    "realm",
    ["http://auth.example/token", "http://127.0.0.1/token", "ftp://x/token", "http://[::bad"],
)
def test_a_token_server_that_may_not_be_trusted_hears_nothing(realm: str) -> None:
    registry = TokenRegistry(realm=realm)

    with pytest.raises(ProtocolError, match="token server"):
        reader(registry).get(WEB)

    assert [host for host, _ in registry.sent] == ["registry.example"]


def test_a_registry_of_a_kind_that_issues_its_own_tokens_cannot_name_another_server() -> None:
    registry = TokenRegistry()

    with pytest.raises(
        ProtocolError,
        match="must not be sent to the token server in its challenge: https://auth.example",
    ):
        reader(registry, trusts=trust_own_host).get(WEB)

    assert registry.tokens == []


def test_many_threads_share_one_token() -> None:
    together = threading.Barrier(8, timeout=10)
    registry = TokenRegistry()
    client = reader(registry)

    def read() -> None:
        together.wait()
        client.get(WEB)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(registry.tokens) == 1


def test_repositories_do_not_wait_for_the_tokens_of_one_another() -> None:
    together = threading.Barrier(4, timeout=10)
    registry = TokenRegistry()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            # Passed only if all four are requested at the same time.
            together.wait()
        return registry(request)

    client = reader(answer)
    paths = [f"/v2/acme/{name}/manifests/v1" for name in ("api", "docs", "web", "worker")]

    responses = Workers().gather(client.get, paths, most=4)

    assert {response.status_code for response in responses.values()} == {200}


def test_a_credential_does_not_show_in_its_own_text() -> None:
    text = repr(Credential("robot", "s3cret", "r3fresh", source="a test"))

    assert text == "Credential(source='a test')"


def test_a_change_that_goes_at_once_waits_for_no_token_and_has_it_the_next_time() -> None:
    registry = TokenRegistry()
    client = reader(registry)

    with pytest.raises(PostponedError, match="token had to be renewed"):
        client.write_at_once("DELETE", WEB)
    sent = list(registry.sent)
    response = client.write_at_once("DELETE", WEB)

    # The first was refused for want of a token, and not carried out.
    assert [host for host, _ in sent] == ["registry.example", "auth.example"]
    assert registry.sent[len(sent) :] == [("registry.example", "Bearer T1")]
    assert response.status_code == 200
