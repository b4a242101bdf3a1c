"""What all answers about one repository take together has a bound, and each has its own."""

import httpx
import pytest

from reconciler.errors import ExhaustedError
from reconciler.transport.bounds import READING_BYTES, READING_SECONDS, Totals, repository_part
from reconciler.transport.client import Client
from tests.support.scripted_server import REGISTRY, Site, client_of
from tests.support.time import VirtualTime


def read_again_and_again(client: Client, path: str) -> None:
    """Read a path a thousand times."""
    for _ in range(1_000):
        client.get(path)


API = "https://api.github.example/orgs/acme/packages/container"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (f"{REGISTRY}/v2/acme/web/tags/list?n=1000", "/v2/acme/web"),
        (f"{REGISTRY}/v2/acme/web/manifests/v1", "/v2/acme/web"),
        (f"{REGISTRY}/v2/_catalog?n=1000", ""),
        (
            f"{API}/team%2Fweb/versions?state=active&page=2",
            "/orgs/acme/packages/container/team%2Fweb",
        ),
        ("https://ghe.example/api/v3/user/packages/container/web", "/user/packages/container/web"),
        ("https://api.github.example/users/acme", ""),
    ],
)
def test_an_address_names_the_repository_that_it_is_about(url: str, name: str) -> None:
    assert repository_part(httpx.URL(url)) == name


def test_a_repository_that_answers_too_slowly_is_given_up_and_another_one_goes_on() -> None:
    time = VirtualTime()

    def slow(request: httpx.Request) -> httpx.Response:
        if "evil" in request.url.path:
            time.pass_by(100)
        return httpx.Response(200, json={})

    client = client_of(slow, time=time)

    with pytest.raises(ExhaustedError, match=r"/v2/evil: \d+ responses took \d+ minutes in total"):
        read_again_and_again(client, "/v2/evil/manifests/v1")

    assert READING_SECONDS < time.seconds < 1.1 * READING_SECONDS
    assert client.get("/v2/good/manifests/1").status_code == 200


def test_answers_that_come_at_their_usual_pace_never_exhaust_anything() -> None:
    time = VirtualTime()
    totals = Totals(lambda: time.seconds)
    url = httpx.URL(f"{REGISTRY}/v2/acme/web/manifests/v1")

    for _ in range(100_000):
        with totals.awaited(url):
            time.pass_by(0.4)
        totals.count(url, 60_000)

    totals.check(url)


def test_time_in_which_several_answers_are_awaited_counts_once() -> None:
    time = VirtualTime()
    totals = Totals(lambda: time.seconds)
    url = httpx.URL(f"{REGISTRY}/v2/acme/web/manifests/v1")

    with totals.awaited(url), totals.awaited(url), totals.awaited(url):
        time.pass_by(READING_SECONDS - 1)
    totals.check(url)
    with totals.awaited(url):
        time.pass_by(2)

    with pytest.raises(ExhaustedError):
        totals.check(url)


def test_a_repository_that_sends_too_much_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.transport.bounds.READING_BYTES", READING_BYTES // 2**10)
    large = Site({"/v2/evil/tags/list": httpx.Response(200, content=b" " * 2**18)})
    client = client_of(large)

    with pytest.raises(ExhaustedError, match=r"11 responses have 3 MiB in total"):
        read_again_and_again(client, "/v2/evil/tags/list")
