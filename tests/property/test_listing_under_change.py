"""A listing that was accepted has lost nothing, whatever others did while it was read."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest
from reconciler.providers.ghcr.listing import read_whole
from reconciler.providers.ghcr.pages import VersionsPage, read_newest
from tests.support.example_counts import THIRD

SIZE = 3
START = datetime(2026, 1, 1, tzinfo=UTC)

Event = tuple[str, int]
"""What happens before a page is read: push one, delete the row at a place, or nothing."""

events = st.lists(
    st.tuples(st.sampled_from(["", "", "push", "delete"]), st.integers(0, 20)),
    max_size=60,
)


def version(number: int) -> Version:
    """Return the version with an id; three share each second."""
    digest = Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}")
    return Version(digest, id=str(number), pushed=START + timedelta(seconds=number // 3))


class Package:
    """A listing of a package that changes before every page is read."""

    def __init__(self, count: int, happenings: Iterable[Event]) -> None:
        """Begin with versions 1 to `count`."""
        self.ids = set(range(1, count + 1))
        self.always = set(self.ids)
        self.next_id = count + 1
        self._happenings: Iterator[Event] = iter(happenings)

    def fetch(self, numbers: Iterable[int]) -> Sequence[VersionsPage]:
        """Read pages, in the order that their numbers leave open: every other one first."""
        wanted = list(numbers)
        read = {number: self._page(number) for number in wanted[1::2] + wanted[0::2]}
        return [read[number] for number in wanted]

    def _page(self, number: int) -> VersionsPage:
        self._happen(*next(self._happenings, ("", 0)))
        rows = sorted(self.ids, reverse=True)
        last = max(-(-len(rows) // SIZE), 1)
        shown = rows[(number - 1) * SIZE : number * SIZE]
        return VersionsPage(
            tuple(version(i) for i in shown), max(last, number if not shown else last)
        )

    def _happen(self, what: str, where: int) -> None:
        rows = sorted(self.ids, reverse=True)
        if what == "push":
            self.ids.add(self.next_id)
            self.next_id += 1
        elif what == "delete" and rows:
            gone = rows[where % len(rows)]
            self.ids.discard(gone)
            self.always.discard(gone)


@THIRD
@given(count=st.integers(1, 20), happenings=events)
@example(count=9, happenings=[("", 0), ("delete", 0)])
@example(count=9, happenings=[("", 0), ("delete", 20), ("", 0), ("push", 0)])
def test_no_version_that_was_there_all_the_time_is_missing(
    count: int, happenings: list[Event]
) -> None:
    package = Package(count, happenings)

    try:
        reading = read_whole(package.fetch, "ghcr.io/acme/web")
    except EvidenceError:
        return

    assert {version(i).id for i in package.always} <= reading.versions.keys()


@THIRD
@given(count=st.integers(1, 20))
def test_a_listing_left_alone_is_read_once(count: int) -> None:
    package = Package(count, [])
    calls: list[int] = []

    def fetch(numbers: Iterable[int]) -> Sequence[VersionsPage]:
        wanted = list(numbers)
        calls.extend(wanted)
        return package.fetch(wanted)

    reading = read_whole(fetch, "ghcr.io/acme/web")

    pages = -(-count // SIZE)
    assert len(reading.versions) == count
    assert len(calls) <= pages + 2


@THIRD
@given(
    count=st.integers(1, 20),
    pushed=st.integers(0, 12),
    happenings=st.lists(st.tuples(st.sampled_from(["", "push"]), st.just(0)), max_size=20),
)
def test_all_that_is_newer_than_a_watermark_is_found(
    count: int, pushed: int, happenings: list[Event]
) -> None:
    package = Package(count + pushed, happenings)

    try:
        pages = read_newest(package.fetch, count, "ghcr.io/acme/web")
    except EvidenceError:
        return

    found = {int(v.id) for page in pages for v in page.versions}
    assert set(range(count + 1, count + pushed + 1)) <= found
