"""Limits: counted, told, enforced, and over when the time has passed."""

from datetime import timedelta

import pytest

from reconciler.sandbox.accounts import Account
from reconciler.sandbox.settings import STRICTER, UNLIMITED, Limits
from tests.unit.sandbox.conftest import ACTIONS, CLASSIC, NOW, Client, Serve

VERSIONS = "/orgs/acme/packages/container/web/versions"
MINUTE = timedelta(minutes=1)


def accounts(hourly: int) -> tuple[Account, ...]:
    """Return the usual accounts, one of them with a small hour."""
    return (Account.of(CLASSIC, hourly=hourly), Account.of(ACTIONS, login="actions"))


def delete_nothing(client: Client) -> int:
    """Send a deletion that costs five points and finds nothing; return the status."""
    return int(client.call("DELETE", f"{VERSIONS}/1").status_code)


def test_every_answer_tells_what_is_left_of_the_hour(serve: Serve) -> None:
    client = serve()

    client.call("GET", VERSIONS)
    headers = client.call("GET", VERSIONS).headers
    actions = client.call("GET", VERSIONS, ACTIONS).headers

    assert headers["x-ratelimit-limit"] == "5000"
    assert headers["x-ratelimit-remaining"] == "4998"
    assert headers["x-ratelimit-used"] == "2"
    assert headers["x-ratelimit-reset"] == str(int(NOW.timestamp()) + 3600)
    assert headers["x-ratelimit-resource"] == "core"
    assert actions["x-ratelimit-limit"] == "1000"


def test_the_primary_limit_refuses_until_the_hour_is_over(serve: Serve) -> None:
    client = serve(accounts=accounts(hourly=2))

    statuses = [client.call("GET", VERSIONS).status_code for _ in range(3)]
    refused = client.call("GET", VERSIONS)
    client.sandbox.advance(timedelta(hours=1))

    assert statuses == [200, 200, 403]
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert refused.json()["message"] == "API rate limit exceeded for user octocat."
    assert "retry-after" not in refused.headers
    assert client.call("GET", VERSIONS).status_code == 200


def test_an_unchanged_page_costs_nothing_of_the_hour(serve: Serve) -> None:
    client = serve(accounts=accounts(hourly=100))
    etag = client.call("GET", VERSIONS).headers["etag"]

    unchanged = client.call("GET", VERSIONS, headers={"if-none-match": etag})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["x-ratelimit-remaining"] == "99"


def test_a_changed_page_is_sent_although_its_old_etag_was_given(serve: Serve) -> None:
    client = serve()
    etag = client.call("GET", VERSIONS).headers["etag"]
    version = client.sandbox.package("acme/web").tags["old"]
    client.call("DELETE", f"{VERSIONS}/{version.id}")

    changed = client.call("GET", VERSIONS, headers={"if-none-match": etag})

    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


def test_listings_carry_no_etag_where_that_is_chosen(serve: Serve) -> None:
    client = serve(etags=False)

    assert "etag" not in client.call("GET", VERSIONS).headers


def test_asking_for_the_limits_is_free_also_when_nothing_is_left(serve: Serve) -> None:
    client = serve(accounts=accounts(hourly=1))
    client.call("GET", VERSIONS)

    rates = [client.call("GET", "/rate_limit").json()["rate"] for _ in range(2)]

    assert [(rate["limit"], rate["remaining"]) for rate in rates] == [(1, 0), (1, 0)]


def test_a_minute_holds_a_hundred_and_eighty_deletions(serve: Serve) -> None:
    client = serve()

    statuses = [delete_nothing(client) for _ in range(181)]
    refused = client.call("GET", VERSIONS)
    client.sandbox.advance(MINUTE)

    assert statuses.count(404) == 180
    assert statuses[-1] == 403
    assert "secondary rate limit" in refused.json()["message"]
    assert refused.headers["retry-after"] == "60"
    assert refused.headers["x-ratelimit-remaining"] == "4820"
    assert delete_nothing(client) == 404


def test_a_scaled_minute_is_shorter_and_so_is_the_wait(serve: Serve) -> None:
    client = serve(limits=Limits(points=5).scaled(10))

    delete_nothing(client)
    refused = client.call("GET", VERSIONS)
    client.sandbox.advance(timedelta(seconds=6))

    assert refused.headers["retry-after"] == "6"
    assert client.call("GET", VERSIONS).status_code == 200


def test_a_refusal_may_be_429_without_saying_how_long_to_wait(serve: Serve) -> None:
    client = serve(limits=Limits(points=4, status=429, retry_after=False))

    refused = client.call("DELETE", f"{VERSIONS}/1")

    assert refused.status_code == 429
    assert "retry-after" not in refused.headers


def test_the_stricter_mode_counts_writes_and_what_it_refuses(serve: Serve) -> None:
    client = serve(limits=STRICTER)

    statuses = [delete_nothing(client) for _ in range(81)]
    client.sandbox.advance(MINUTE - timedelta(seconds=1))
    still = delete_nothing(client)
    client.sandbox.advance(timedelta(seconds=1))

    assert statuses[79:] == [404, 403]
    assert still == 403
    assert client.call("GET", VERSIONS).status_code == 200


def test_nothing_is_refused_without_limits(serve: Serve) -> None:
    client = serve(limits=UNLIMITED)

    statuses = {delete_nothing(client) for _ in range(200)}

    assert statuses == {404}
    assert "x-ratelimit-limit" not in client.call("GET", VERSIONS).headers


@pytest.mark.parametrize(
    ("minute", "wait"),
    [
        (timedelta(microseconds=880), "880µs"),
        (timedelta(milliseconds=1.5), "1.5ms"),
        (timedelta(seconds=6), "6s"),
    ],
)
def test_the_registry_refuses_with_the_wait_as_a_go_duration(
    serve: Serve, minute: timedelta, wait: str
) -> None:
    client = serve(limits=Limits(registry_per_minute=2, minute=minute))

    statuses = [client.http.get("/v2/acme/web/tags/list").status_code for _ in range(2)]
    refused = client.http.get("/v2/acme/web/tags/list")

    assert statuses == [401, 401]
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["code"] == "TOOMANYREQUESTS"
    assert f"retry-after: {wait}, allowed: 2/minute" in refused.text
    assert client.http.get("/v2/other/web/tags/list").status_code == 401
