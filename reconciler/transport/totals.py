"""Bound the total time and size of all responses about one repository."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

import httpx

from reconciler.errors import ExhaustedError
from reconciler.model.base import public, safe
from reconciler.transport.bounds import (
    BYTES_EACH,
    READING_BYTES,
    READING_SECONDS,
    SECONDS_EACH,
)

_SUBJECT = re.compile(
    r"/v2/.+(?=/(?:manifests|blobs|tags|referrers)/)"
    r"|/(?:orgs/[^/]+|users/[^/]+|user)/packages/container/[^/]+"
)
"""The part of a URL path that identifies a repository, in a registry and in GitHub's API."""


@dataclass
class _Total:
    """The totals so far. Units: seconds and bytes; `since` in seconds of a monotonic clock."""

    answers: int = 0
    octets: int = 0
    seconds: float = 0.0
    awaited: int = 0
    """How many reads are pending; their time is counted once, not for each."""

    since: float = 0.0


class Totals:
    """Counts, for each repository of one server, the time and the size of its responses."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Start at zero; `monotonic` returns the seconds of a monotonic clock."""
        self._monotonic = monotonic
        self._lock = Lock()
        self._totals: defaultdict[str, _Total] = defaultdict(_Total)

    @contextmanager
    def awaited(self, url: httpx.URL) -> Iterator[None]:
        """Count the time of a `with` block: retries, waits for limits, and the response."""
        total = self._totals[repository_part(url)]
        with self._lock:
            if not total.awaited:
                total.since = self._monotonic()
            total.awaited += 1
        try:
            yield
        finally:
            with self._lock:
                total.awaited -= 1
                if not total.awaited:
                    total.seconds += self._monotonic() - total.since

    def count(self, url: httpx.URL, octets: int) -> None:
        """Count a response and its size."""
        with self._lock:
            total = self._totals[repository_part(url)]
            total.answers += 1
            total.octets += octets

    def check(self, url: httpx.URL) -> None:
        """Check that another request about the same repository may be sent.

        Raises: ExhaustedError, when the responses so far exceed a bound.
        """
        name = repository_part(url)
        with self._lock:
            total = self._totals[name]
            now = self._monotonic()
            seconds = total.seconds + (now - total.since if total.awaited else 0.0)
            answers, octets = total.answers, total.octets
        where = safe(public(str(url.copy_with(raw_path=name.encode() or b"/"))))
        if seconds > READING_SECONDS + SECONDS_EACH * answers:
            raise ExhaustedError(
                f"{where}: {answers} responses took {seconds / 60:.0f} minutes in total, which is"
                " over the limit"
            )
        if octets > READING_BYTES + BYTES_EACH * answers:
            raise ExhaustedError(
                f"{where}: {answers} responses have {octets / 2**20:.0f} MiB in total, which is"
                " over the limit"
            )


def repository_part(url: httpx.URL) -> str:
    """Return the part of the path that identifies a repository; empty for none."""
    match = _SUBJECT.search(url.raw_path.decode("ascii", "replace").partition("?")[0])
    return match[0] if match else ""
