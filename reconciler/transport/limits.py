"""Rate limits of GitHub and ghcr.io: refusals, waits, and what remains of a quota.

Source: GitHub, "Rate limits for the REST API" and "Best practices for using the REST API".
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import lru_cache

import httpx

from reconciler.errors import ExhaustedError

GITHUB_POINTS = 900
"""Points a minute of GitHub's REST API."""

READ_POINTS = 1
WRITE_POINTS = 5
"""Points of a request: GET, HEAD and OPTIONS are reads."""

REGISTRY_CALLS = 44_000
"""Calls a minute of ghcr.io. Source: the text of its 429 answers."""

MAX_PATIENCE = 2 * 3600.0
"""Longest total delay of one request, in seconds: twice the period of GitHub's hourly limit."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})
_LIMIT_PHRASES = ("rate limit", "abuse detection")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_GO_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_GO_WAIT = re.compile(r"retry-after:\s*((?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+)")
_GO_ALLOWED = re.compile(r"allowed:\s*(\d+)/minute")
_GREEK_MU, _MICRO_SIGN = "\u03bc", "\u00b5"


class Reason(StrEnum):
    """Why a request has to wait."""

    PACE = "pacing below the published limit"
    PRIMARY = "hourly limit of the API used up"
    SECONDARY = "secondary rate limit"
    REGISTRY = "registry rate limit"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request refused by a limit: it had no effect, so it may be sent again after the wait.

    Units: `seconds` to wait, None if the server does not say; `allowed` requests a minute.
    """

    reason: Reason
    seconds: float | None = None
    allowed: int | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """The hourly limit as of the last response. Units: requests."""

    limit: int
    remaining: int
    reset: datetime


MAX_IN_FLIGHT = 100
"""Most concurrent requests. Source: GitHub, "Rate limits for the REST API"."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The limit of one server: the cost of a request, what is allowed, how a refusal looks.

    Units: `allowed` in points a minute. Shape: `in_flight` has how many requests may be in flight
        at first, and how many after successes.
    """

    allowed: int
    points: Callable[[str], int]
    refusal: Callable[[httpx.Response], Refusal | None]
    in_flight: tuple[int, int] = (MAX_IN_FLIGHT, MAX_IN_FLIGHT)


def github_points(method: str) -> int:
    """Return the points that a request to the REST API costs."""
    return READ_POINTS if method in READS else WRITE_POINTS


def github_refusal(response: httpx.Response) -> Refusal | None:
    """Return the refusal if a limit caused the response; a missing right has the same status.

    Shape: the body of a 403 or 429 has been read.
    """
    if response.status_code not in (403, 429):
        return None
    delay = retry_after(response)
    quota = quota_of(response)
    if quota and not quota.remaining:
        # The longer wait counts: an earlier request would be refused again.
        waits = [wait for wait in (delay, seconds_to(quota.reset, response)) if wait is not None]
        return Refusal(Reason.PRIMARY, max(waits, default=None))
    # A 403 may come without Retry-After: then only its text distinguishes it from a missing right.
    text = response.text.lower()
    mentions_limit = any(phrase in text for phrase in _LIMIT_PHRASES)
    if delay is not None or response.status_code == 429 or mentions_limit:
        return Refusal(Reason.SECONDARY, delay)
    return None


def registry_refusal(response: httpx.Response) -> Refusal | None:
    """Parse a 429 of a registry; ghcr.io writes the wait into the text, as a Go duration.

    Shape: the body of a 429 has been read.
    """
    if response.status_code != 429:
        return None
    text = response.text
    # Go prints the micro sign; a text that was normalized on its way has the Greek letter.
    wait = _GO_WAIT.search(text.replace(_GREEK_MU, _MICRO_SIGN))
    allowed = _GO_ALLOWED.search(text)
    return Refusal(
        Reason.REGISTRY,
        go_seconds(wait[1]) if wait else retry_after(response),
        int(allowed[1]) if allowed else None,
    )


def quota_of(response: httpx.Response) -> Quota | None:
    """Parse the hourly limit; None if the response does not have it."""
    try:
        limit, remaining, reset = (
            int(response.headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset")
        )
        return Quota(limit, remaining, datetime.fromtimestamp(reset, UTC))
    # `fromtimestamp` raises the last two for a time that this machine cannot represent.
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def retry_after(response: httpx.Response) -> float | None:
    """Parse Retry-After, in seconds or as a time (RFC 9110, section 10.2.3); at least 0."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(text)
    until = http_time(text)
    return seconds_to(until, response) if until else None


def seconds_to(end: datetime, response: httpx.Response) -> float | None:
    """Return the seconds from a response to a time, at least 0; None without a `Date` header."""
    # By the server's own clock, since the clock of this machine may be wrong.
    sent = http_time(response.headers.get("date", ""))
    return max((end - sent).total_seconds(), 0.0) if sent else None


# All responses of a second have the same time.
@lru_cache(maxsize=16)
def http_time(text: str) -> datetime | None:
    """Parse a time of HTTP; None if it is invalid."""
    with suppress(ValueError, OverflowError):
        return parsedate_to_datetime(text).astimezone(UTC)
    return None


def check_wait(reason: str, seconds: float) -> None:
    """Check that a wait is not longer than MAX_PATIENCE.

    Raises: ExhaustedError.
    """
    if seconds > MAX_PATIENCE:
        raise ExhaustedError(
            f"{reason}: the server asks to wait {seconds / 3600:,.1f} hours, but the longest"
            f" wait is {MAX_PATIENCE / 3600:g} hours",
            hint="Nothing more was sent. Run again later. If this repeats, the server or a proxy"
            " in between is faulty.",
        )


def go_seconds(duration: str) -> float:
    """Parse a duration as Go prints it, such as `1m30s` or `880.092µs`, in seconds."""
    return sum(float(number) * _UNITS[unit] for number, unit in _GO_PART.findall(duration))


GITHUB = Rules(GITHUB_POINTS, github_points, github_refusal)
# Ten reads in flight are common and not throttled; 44,000 calls a minute would need more than 64 at
# 100 ms a response. Below 20, one interpreter has nothing to do at the latency of a near registry.
GHCR = Rules(REGISTRY_CALLS, lambda _: 1, registry_refusal, in_flight=(20, 64))
