"""What all answers about one repository took together: bounded, and an error of that one only."""

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
"""The part of a path that names one repository, at a registry and at GitHub's API."""


@dataclass
class _Total:
    """What was used so far. Units: seconds and bytes; `since` in seconds of a steady clock."""

    answers: int = 0
    octets: int = 0
    seconds: float = 0.0
    awaited: int = 0
    """How many reads are under way; time counts once, however many there are."""

    since: float = 0.0


class Totals:
    """Counts, for each repository of one server, the time and the bytes of its answers."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Begin with nothing; `monotonic` tells seconds of a steady clock."""
        self._monotonic = monotonic
        self._lock = Lock()
        self._totals: defaultdict[str, _Total] = defaultdict(_Total)

    @contextmanager
    def awaited(self, url: httpx.URL) -> Iterator[None]:
        """Count the time of a `with` block: tries, waits for limits and the answer itself."""
        total = self._totals[subject(url)]
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
        """Count an answer and its bytes."""
        with self._lock:
            total = self._totals[subject(url)]
            total.answers += 1
            total.octets += octets

    def check(self, url: httpx.URL) -> None:
        """Make sure that another request about the same repository may be sent.

        Raises: ExhaustedError, when too much was used for as many answers as there were.
        """
        name = subject(url)
        with self._lock:
            total = self._totals[name]
            now = self._monotonic()
            seconds = total.seconds + (now - total.since if total.awaited else 0.0)
            answers, octets = total.answers, total.octets
        where = safe(public(str(url.copy_with(raw_path=name.encode() or b"/"))))
        if seconds > READING_SECONDS + SECONDS_EACH * answers:
            raise ExhaustedError(
                f"{where}: {answers} answers took {seconds / 60:.0f} minutes in all, which is"
                " longer than they are waited for"
            )
        if octets > READING_BYTES + BYTES_EACH * answers:
            raise ExhaustedError(
                f"{where}: {answers} answers have {octets / 2**20:.0f} MiB in all, which is more"
                " than is read"
            )


def subject(url: httpx.URL) -> str:
    """Return the part of a path that names one repository; empty where it names none."""
    match = _SUBJECT.search(url.raw_path.decode("ascii", "replace").partition("?")[0])
    return match[0] if match else ""
