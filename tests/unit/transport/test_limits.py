"""What servers say about their limits, read right."""

import httpx
import pytest

from reconciler.transport.limits import (
    Reason,
    Refusal,
    github_points,
    github_refusal,
    go_seconds,
    http_time,
    quota_of,
    registry_refusal,
    retry_after,
)

DATE = "Mon, 02 Nov 2026 12:00:00 GMT"
AT_NOON = "1793620800"
FIVE_LATER = "1793621100"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
MISSING_RIGHT = {"message": "Resource not accessible by integration"}


def answer(status: int, message: dict[str, str], **headers: str) -> httpx.Response:
    """Write an answer of the API; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=message, headers={"date": DATE, **named})


def counted(remaining: str, reset: str) -> dict[str, str]:
    """Write the headers of the hourly limit."""
    return {
        "x_ratelimit_limit": "1000",
        "x_ratelimit_remaining": remaining,
        "x_ratelimit_reset": reset,
    }


@pytest.mark.parametrize("status", [403, 429])
def test_a_used_up_hour_waits_until_the_reset_by_the_clock_of_the_server(status: int) -> None:
    response = answer(status, {"message": "API rate limit exceeded"}, **counted("0", FIVE_LATER))

    assert github_refusal(response) == Refusal(Reason.PRIMARY, 300.0)


def test_a_reset_in_the_past_is_no_wait() -> None:
    response = answer(403, {"message": "API rate limit exceeded"}, **counted("0", "1793620000"))

    assert github_refusal(response) == Refusal(Reason.PRIMARY, 0.0)


def test_a_reset_without_a_date_to_count_from_is_a_wait_of_unknown_length() -> None:
    response = answer(403, {"message": "API rate limit exceeded"}, **counted("0", FIVE_LATER))
    del response.headers["date"]

    assert github_refusal(response) == Refusal(Reason.PRIMARY, None)


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_refusal_waits_as_long_as_it_says(status: int) -> None:
    response = answer(status, SECONDARY, retry_after="17", **counted("900", FIVE_LATER))

    assert github_refusal(response) == Refusal(Reason.SECONDARY, 17.0)


def test_a_secondary_refusal_is_known_by_its_text_where_it_names_no_wait() -> None:
    assert github_refusal(answer(403, SECONDARY)) == Refusal(Reason.SECONDARY, None)


def test_a_missing_right_is_no_limit() -> None:
    assert github_refusal(answer(403, MISSING_RIGHT, **counted("900", FIVE_LATER))) is None


def test_an_answer_that_speaks_of_limits_and_is_no_refusal_is_none() -> None:
    assert github_refusal(answer(404, SECONDARY, retry_after="1")) is None


@pytest.mark.parametrize("micro", ["\u00b5", "\u03bc", "u"])
def test_ghcr_writes_the_wait_into_its_text_in_microseconds(micro: str) -> None:
    text = f"toomanyrequests: retry-after: 880.092{micro}s, allowed: 44000/minute"

    refusal = registry_refusal(httpx.Response(429, text=text))

    assert refusal == Refusal(Reason.REGISTRY, 0.000880092, 44000)


def test_a_registry_that_names_no_wait_in_its_text_may_name_one_in_a_header() -> None:
    response = httpx.Response(429, headers={"retry-after": "30"}, text="slow down")

    assert registry_refusal(response) == Refusal(Reason.REGISTRY, 30.0, None)


def test_a_denied_manifest_is_no_limit() -> None:
    assert registry_refusal(httpx.Response(403, text="denied: permission_denied")) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h2m3.5s", 3723.5), ("250ms", 0.25), ("40us", 0.00004), ("7ns", 7e-9), ("1m0s", 60.0)],
)
def test_durations_read_the_way_go_prints_them(text: str, seconds: float) -> None:
    assert go_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("Mon, 02 Nov 2026 12:01:00 GMT", 60.0),
        ("Mon, 02 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_the_wait_of_a_header_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(answer(503, {}, retry_after=text)) == seconds


def test_what_is_left_of_the_hour_is_unknown_where_headers_are_missing_or_nonsense() -> None:
    assert quota_of(answer(200, {})) is None
    assert quota_of(answer(200, {}, **counted("many", AT_NOON))) is None
    assert quota_of(answer(200, {}, **counted("1", "9" * 30))) is None


@pytest.mark.parametrize(
    ("method", "points"), [("GET", 1), ("HEAD", 1), ("DELETE", 5), ("POST", 5)]
)
def test_writes_cost_five_times_what_reads_cost(method: str, points: int) -> None:
    assert github_points(method) == points


@pytest.mark.parametrize("text", ["Fri, 31 Dec 9999 23:59:59 -1200", "9" * 10_000])
def test_a_time_beyond_all_calendars_is_none(text: str) -> None:
    assert http_time(text) is None
