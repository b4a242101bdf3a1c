"""Redirects: followed for reads, and never with a credential to another server."""

import httpx
import pytest

from reconciler.errors import EvidenceError, ProtocolError, UnreachableError
from reconciler.transport.auth import BearerAuth
from tests.support.scripted_server import REGISTRY, Answers, Site, client_of

OK = httpx.Response(200, text="fine")


def moved(target: str, status: int = 307) -> httpx.Response:
    """Answer that something is elsewhere."""
    return httpx.Response(status, headers={"location": target})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_follows_a_redirect_and_stays_what_it_was(status: int, method: str) -> None:
    server = Answers([moved("/there", status), OK])
    client = client_of(server)

    client.head("/here") if method == "HEAD" else client.get("/here")

    assert server.asked == [f"{method} {REGISTRY}/here", f"{method} {REGISTRY}/there"]


@pytest.mark.parametrize(
    "target",
    [
        "https://cdn.example/blob?signature=1",
        "https://registry.example:8443/blob",
        "//cdn.example/blob",
        "https://user:word@cdn.example/blob",
    ],
)
def test_a_credential_does_not_follow_to_another_server(target: str) -> None:
    server = Answers([moved(target), OK])

    response = client_of(server, auth=BearerAuth("s3cret")).get("/v2/a/blobs/b")

    assert response.text == "fine"
    assert server.authorizations[0] == "Bearer s3cret"
    assert "s3cret" not in server.authorizations[1]


def test_a_credential_is_sent_again_on_the_same_server() -> None:
    server = Answers([moved("https://registry.example/there"), OK])

    client_of(server, auth=BearerAuth("s3cret")).get("/here")

    assert server.authorizations == ["Bearer s3cret", "Bearer s3cret"]


def test_a_credential_is_not_sent_again_after_a_detour_over_another_server() -> None:
    server = Answers([moved("https://cdn.example/a"), moved("https://third.example/b"), OK])

    client_of(server, auth=BearerAuth("s3cret")).get("/here")

    assert server.authorizations == ["Bearer s3cret", "", ""]


def test_an_upgrade_to_tls_is_another_server() -> None:
    server = Answers([moved("https://127.0.0.1/here"), OK])

    client_of(server, base_url="http://127.0.0.1", auth=BearerAuth("s3cret")).get("/here")

    assert server.authorizations == ["Bearer s3cret", ""]


def test_what_was_asked_for_is_asked_for_there_too() -> None:
    server = Answers([moved("https://cdn.example/a"), OK])

    client_of(server).get("/here", headers={"Accept": "application/json"})

    assert server.requests[1].headers["accept"] == "application/json"
    assert server.requests[1].headers["host"] == "cdn.example"


@pytest.mark.parametrize("target", ["http://cdn.example/a", "http://registry.example/here"])
def test_a_redirect_from_tls_to_plain_http_is_refused(target: str) -> None:
    server = Answers([moved(target), OK])

    with pytest.raises(ProtocolError, match="redirects to plain HTTP"):
        client_of(server).get("/here")

    assert len(server.requests) == 1


@pytest.mark.parametrize("target", ["ftp://cdn.example/a", "file:///etc/passwd", "http://[::bad"])
def test_a_redirect_to_nowhere_is_an_error_of_the_server(target: str) -> None:
    server = Answers([moved(target)])

    with pytest.raises(EvidenceError, match="GET https://registry.example/here"):
        client_of(server).get("/here")

    assert {request.url.host for request in server.requests} == {"registry.example"}


def test_three_redirects_are_enough() -> None:
    followed = Answers([moved("/1"), moved("/2"), moved("/3"), OK])
    endless = Answers([moved("/again")])

    response = client_of(followed).get("/0")

    assert response.text == "fine"
    with pytest.raises(ProtocolError, match="after 3 redirects"):
        client_of(endless).get("/0")
    assert len(endless.requests) == 4


def test_a_secret_in_a_redirect_is_not_told() -> None:
    target = "https://cdn.example/a?signature=s3cret"
    site = Site({"/here": moved(target), "/a": httpx.Response(503)})

    with pytest.raises(UnreachableError, match="GET https://cdn.example/a answered 503") as raised:
        client_of(site).get("/here")

    assert "s3cret" not in str(raised.value)
