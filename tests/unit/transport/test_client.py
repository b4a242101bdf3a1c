"""One server, spoken to with care: bounds, retries, writes that are sent once."""

import ssl

import httpx
import pytest

from reconciler.errors import PostponedError, ProtocolError, UnreachableError
from reconciler.transport.client import connect
from reconciler.transport.retry import Retry
from tests.support.scripted_server import Answers, client_of
from tests.support.time import VirtualTime

OK = httpx.Response(200, text="fine")


def test_a_read_is_tried_again_until_the_server_answers() -> None:
    server = Answers([httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), OK])

    response = client_of(server).get("/v2/")

    assert response.text == "fine"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_a_read_that_only_fails_is_given_up_after_five_tries(status: int) -> None:
    server = Answers([httpx.Response(status)])

    with pytest.raises(UnreachableError) as raised:
        client_of(server).get("/v2/acme/web/tags/list?n=1")

    assert len(server.requests) == 5
    assert str(raised.value) == (
        f"GET https://registry.example/v2/acme/web/tags/list answered {status} in each of 5 tries"
    )


@pytest.mark.parametrize("status", [200, 204, 301, 304, 400, 401, 403, 404, 405, 418])
def test_other_answers_are_handed_over_at_once(status: int) -> None:
    server = Answers([httpx.Response(status)])

    response = client_of(server).get("/v2/")

    assert response.status_code == status
    assert len(server.requests) == 1


def test_statuses_that_somebody_else_waits_for_are_not_tried_again() -> None:
    server = Answers([httpx.Response(429)])

    response = client_of(server, retry=Retry(statuses=frozenset({503}))).get("/v2/")

    assert response.status_code == 429
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
)
def test_a_server_that_never_answers_is_unreachable(failure: Exception) -> None:
    server = Answers([failure])

    with pytest.raises(UnreachableError, match="^GET https://registry.example/v2/: ") as raised:
        client_of(server).get("/v2/")

    assert len(server.requests) == 5
    assert raised.value.__cause__ is failure


def test_a_write_is_sent_once_even_when_its_answer_is_lost() -> None:
    server = Answers([httpx.ReadTimeout("slow"), OK])

    with pytest.raises(UnreachableError, match="DELETE https://registry.example/v2/a"):
        client_of(server).write("DELETE", "/v2/a")

    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [202, 307, 429, 500, 503])
def test_the_answer_to_a_write_is_handed_over_whatever_it_is(status: int) -> None:
    server = Answers([httpx.Response(status, headers={"location": "/elsewhere"})])

    response = client_of(server).write("DELETE", "/v2/a")

    assert response.status_code == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "3600"}, 120),
        (
            {
                "retry-after": "Mon, 02 Nov 2026 12:00:30 GMT",
                "date": "Mon, 02 Nov 2026 12:00:00 GMT",
            },
            30,
        ),
    ],
)
def test_a_wait_that_the_server_asks_for_is_obeyed_within_a_bound(
    headers: dict[str, str], seconds: float
) -> None:
    time = VirtualTime()
    server = Answers([httpx.Response(503, headers=headers), OK])

    client_of(server, time=time).get("/v2/")

    assert time.seconds == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry-after": "-5"},
        {"retry-after": "soon"},
        {
            "retry-after": "Mon, 02 Nov 2026 11:59:00 GMT",
            "date": "Mon, 02 Nov 2026 12:00:00 GMT",
        },
    ],
)
def test_a_wait_that_makes_no_sense_is_replaced_by_a_short_one(headers: dict[str, str]) -> None:
    time = VirtualTime()
    server = Answers([httpx.Response(503, headers=headers), OK])

    client_of(server, time=time).get("/v2/")

    assert 0 <= time.seconds <= 0.5


def test_our_own_waits_stay_short_in_all() -> None:
    time = VirtualTime()

    with pytest.raises(UnreachableError):
        client_of(Answers([httpx.Response(503)]), time=time).get("/v2/")

    assert time.seconds <= 0.5 + 1 + 2 + 4


def test_a_certificate_that_is_refused_is_not_tried_again_and_says_what_to_do() -> None:
    failure = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    failure.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    server = Answers([failure])

    with pytest.raises(UnreachableError) as raised:
        client_of(server).get("/v2/")

    assert len(server.requests) == 1
    assert "SSL_CERT_FILE" in raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/v2/",
        "http://registry.example/v2/",
        "https://registry.example:8443/v2/",
        "https://registry.example.evil.example/v2/",
    ],
)
def test_a_url_of_another_server_is_refused_before_anything_is_sent(url: str) -> None:
    server = Answers([OK])

    with pytest.raises(ProtocolError, match="not on the server https://registry.example"):
        client_of(server).get(url)

    assert server.requests == []


def test_the_port_that_goes_without_saying_is_the_same_server() -> None:
    response = client_of(Answers([OK])).get("https://registry.example:443/v2/")

    assert response.status_code == 200


def test_a_path_is_joined_to_the_base_that_an_api_has() -> None:
    server = Answers([OK])

    client_of(server, base_url="https://acme.example/api/v3").get("/user/packages?page=2")

    assert server.asked == ["GET https://acme.example/api/v3/user/packages?page=2"]


def test_reads_count_for_their_repository_once_and_only_with_an_answer() -> None:
    server = Answers([httpx.Response(503), OK, httpx.Response(404), httpx.Response(304), OK])
    client = client_of(server)

    for path in ("/v2/a/tags/list", "/v2/a/manifests/v1", "/v2/a/manifests/v2", "/v2/b/tags/list"):
        client.get(path)

    assert len(server.requests) == 5
    counts = {name: client.successes(f"/v2/{name}/tags/list") for name in ("a", "b", "c")}
    assert counts == {"a": 2, "b": 1, "c": 0}


def test_every_request_says_who_we_are() -> None:
    server = Answers([httpx.Response(503), httpx.Response(503), OK])
    client = client_of(server)

    client.get("/v2/")
    client.write("DELETE", "/v2/a")

    assert len(server.requests) == 4
    assert {request.headers["user-agent"].split("/")[0] for request in server.requests} == {
        "reconciler"
    }


def test_the_servers_clock_is_that_of_its_last_dated_answer() -> None:
    dated = httpx.Response(200, headers={"date": "Mon, 02 Nov 2026 12:00:00 GMT"})
    client = client_of(Answers([dated, httpx.Response(200, headers={"date": "yesterday"})]))
    before = client.server_time

    client.get("/v2/")
    client.get("/v2/")

    assert before is None
    assert client.server_time is not None
    assert client.server_time.isoformat() == "2026-11-02T12:00:00+00:00"


def test_no_cookie_is_ever_sent_back() -> None:
    server = Answers([httpx.Response(200, headers={"set-cookie": "session=1; Path=/"})])
    client = client_of(server)

    client.get("/v2/")
    client.get("/v2/")

    assert "cookie" not in server.requests[1].headers


def test_a_secret_in_a_url_is_not_told() -> None:
    server = Answers([httpx.Response(503)])

    with pytest.raises(UnreachableError) as raised:
        client_of(server).get("/v2/?signature=s3cret")

    assert "s3cret" not in str(raised.value)


def test_proxies_come_from_the_environment_but_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")

    proxies = {
        url: getattr(connect(url, VirtualTime().watch())._connect(), "proxy", None)
        for url in ("https://ghcr.io", "https://inside.example", "http://127.0.0.1:5000")
    }

    assert proxies == {
        "https://ghcr.io": "http://proxy.example:3128",
        "https://inside.example": None,
        "http://127.0.0.1:5000": None,
    }


def test_a_change_that_goes_at_once_is_sent_once_whatever_the_answer() -> None:
    for status in (204, 401, 403, 429, 500, 503):
        server = Answers([httpx.Response(status)])

        response = client_of(server).write_at_once("DELETE", "/v2/one")

        assert response.status_code == status
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.PoolTimeout("")]
)
def test_a_change_without_a_connection_was_certainly_not_made(failure: Exception) -> None:
    with pytest.raises(PostponedError, match="not sent"):
        client_of(Answers([failure])).write_at_once("DELETE", "/v2/one")


def test_a_change_without_an_answer_may_have_been_made() -> None:
    with pytest.raises(UnreachableError) as raised:
        client_of(Answers([httpx.ReadTimeout("slow")])).write_at_once("DELETE", "/v2/one")

    assert not isinstance(raised.value, PostponedError)


def test_a_connection_for_a_change_has_to_stand_within_a_second() -> None:
    server = Answers([httpx.Response(204)])

    client_of(server).write_at_once("DELETE", "/v2/one")

    timeout = server.requests[0].extensions["timeout"]
    assert (timeout["connect"], timeout["pool"], timeout["read"]) == (1.0, 1.0, 30.0)
