"""Bounds on the size and time of one response, and of all responses about one repository.

The server chooses sizes, times and links. Each bound is several times what a repository of the
design size, 100,000 versions, takes, and far below what exhausts memory or holds a lock for hours.
Exceeding one is an error of that repository (exit code 6), and of no other.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import httpx

from reconciler.errors import ExhaustedError
from reconciler.model.base import public, safe

CONNECT_SECONDS = 10.0
"""Longest wait for a connection, TLS included, in seconds: a retry is better than more."""

READ_SECONDS = 30.0
"""Longest silence before or during a response, in seconds."""

WRITE_SECONDS = 30.0
"""Longest time that sending one part of a request may take, in seconds."""

POOL_SECONDS = 10.0
"""Longest wait for a free connection, in seconds; a lane has one for its only request."""

ANSWER_SECONDS = 120.0
"""Longest time from the end of the request to the last byte of the response, in seconds.

Without it, a server that sends a byte now and then would never exceed the bound on silence.
"""

LAST_SECONDS = 10.0
"""How long a response may still take once the run is to stop, in seconds.

More than zero: most responses are immediate, and that to a deletion says whether it happened.
"""

GLANCE_SECONDS = 1.0
"""How often to check, while waiting for a response, whether the run is to stop, in seconds."""

KEPT_SECONDS = 5.0
"""How long an idle connection is kept, in seconds; consecutive reads are closer together."""

MAX_ANSWER_BYTES = 16 * 1024 * 1024
"""Largest response other than a manifest, decoded, in bytes.

A page of 100,000 tags of the greatest length has 13 MB. Parsed JSON takes up to twenty times its
size in memory.
"""

MAX_ERROR_BYTES = 1024 * 1024
"""Largest error response, or response of a token server, decoded, in bytes: both are short."""

MAX_URL = 8_192
"""Longest URL of a next page, in characters: the URLs of all pages are kept in memory."""

MAX_PAGES = 10_000
"""Most pages of one listing: at a hundred rows each, ten times the design size."""

MAX_NAMES = 500_000
"""Most names of one listing: versions and their tags, tags, repositories or referrers.

Five for each version of a repository of the design size; they take some 200 MB of memory.
"""

MAX_DOCUMENT_BYTES = 1024 * 1024 * 1024
"""Largest total size of the distinct documents of one repository, in bytes.

That is 10 kB for each version of a repository of the design size; an index takes about 3 kB.
"""

READING_SECONDS = 4 * 3600.0
"""Longest total time of the responses about one repository, waits included, in seconds.

Twice the longest wait for a limit; SECONDS_EACH for each response is added.
"""

SECONDS_EACH = 0.5
"""Added to READING_SECONDS for each response, in seconds; twenty are read in parallel."""

READING_BYTES = 2 * 1024 * 1024 * 1024
"""Largest total size of the responses about one repository, decoded, in bytes."""

BYTES_EACH = 64 * 1024
"""Added to READING_BYTES for each response, in bytes: about the size of a page of versions."""

MAX_MESSAGE = 300
"""Longest text quoted from a response, in characters: about three lines of a terminal."""

_SUBJECT = re.compile(
    r"/v2/.+(?=/(?:manifests|blobs|tags|referrers)/)"
    r"|/(?:orgs/[^/]+|users/[^/]+|user)/packages/container/[^/]+"
)
"""The part of a URL path that identifies a repository, in a registry and in GitHub's API."""


@dataclass
class _Total:
    """The totals so far. Units: seconds and bytes; `since` in seconds of a monotonic clock."""

    answers: int = 0
    successes: int = 0
    """The responses among them that had what was requested."""

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
        with self._lock:
            total = self._totals[repository_part(url)]
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

    def count(self, url: httpx.URL, octets: int, *, succeeded: bool = True) -> None:
        """Count a response and its size; `succeeded` is whether it had what was requested."""
        with self._lock:
            total = self._totals[repository_part(url)]
            total.answers += 1
            total.successes += succeeded
            total.octets += octets

    def successes(self, path: str) -> int:
        """Return how many responses about the repository of a path had what was requested."""
        with self._lock:
            return self._totals[_part_of(path)].successes

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
        if seconds > READING_SECONDS + SECONDS_EACH * answers:
            raise ExhaustedError(
                f"{_address(url)}: {answers} responses took {seconds / 60:.0f} minutes in total,"
                " which is over the limit"
            )
        if octets > READING_BYTES + BYTES_EACH * answers:
            raise ExhaustedError(
                f"{_address(url)}: {answers} responses have {octets / 2**20:.0f} MiB in total,"
                " which is over the limit"
            )


def _address(url: httpx.URL) -> str:
    """Return the address of the repository that a URL is about, for messages."""
    path = repository_part(url).encode() or b"/"
    return safe(public(str(url.copy_with(raw_path=path))))


def repository_part(url: httpx.URL) -> str:
    """Return the part of the path that identifies a repository; empty for none."""
    return _part_of(url.raw_path.decode("ascii", "replace").partition("?")[0])


# Each request needs it several times.
@lru_cache(maxsize=256)
def _part_of(path: str) -> str:
    match = _SUBJECT.search(path)
    return match[0] if match else ""
