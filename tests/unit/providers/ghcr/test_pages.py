"""Which requests a listing costs, and when it is read again."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Tag
from reconciler.providers.ghcr.listing import read_whole
from reconciler.providers.ghcr.pages import VersionsPage, read_newest

START = datetime(2026, 1, 1, tzinfo=UTC)
SIZE = 2


def version(number: int, *tags: str) -> Version:
    """Return a version pushed `number` seconds after the start."""
    return Version(
        Digest(f"sha256:{number:064x}"),
        tuple(Tag(tag) for tag in tags),
        id=str(number),
        pushed=START + timedelta(seconds=number),
    )


class Package:
    """Serves pages of two rows, newest first, and does something before chosen reads."""

    def __init__(self, *rows: Version) -> None:
        """Begin with these rows."""
        self.rows = list(rows)
        self.calls: list[int] = []
        self.before: dict[int, Callable[[], None]] = {}

    def fetch(self, numbers: Iterable[int]) -> Sequence[VersionsPage]:
        """Read pages in the order asked for."""
        return [self._page(number) for number in numbers]

    def _page(self, number: int) -> VersionsPage:
        self.calls.append(number)
        self.before.get(len(self.calls), lambda: None)()
        rows = sorted(self.rows, key=lambda row: int(row.id), reverse=True)
        last = max(-(-len(rows) // SIZE), 1)
        return VersionsPage(tuple(rows[(number - 1) * SIZE : number * SIZE]), max(last, number))

    def push(self, row: Version) -> None:
        """Add a row."""
        self.rows.append(row)

    def delete(self, number: int) -> None:
        """Take a row away."""
        self.rows = [row for row in self.rows if int(row.id) != number]


def numbered(count: int) -> list[Version]:
    """Return versions 1 to `count`."""
    return [version(number) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("rows", "calls"),
    [(0, [1]), (2, [1]), (3, [1, 2, 1]), (7, [1, 4, 2, 3, 4, 1])],
)
def test_a_listing_costs_its_pages_and_a_second_look_at_both_ends(
    rows: int, calls: list[int]
) -> None:
    package = Package(*numbered(rows))

    reading = read_whole(package.fetch, "ghcr.io/acme/web")

    assert package.calls == calls
    assert len(reading.versions) == rows


def test_a_deletion_while_reading_makes_it_read_again() -> None:
    package = Package(*numbered(9))
    package.before[4] = lambda: package.delete(8)

    reading = read_whole(package.fetch, "ghcr.io/acme/web")

    assert {int(number) for number in reading.versions} == {1, 2, 3, 4, 5, 6, 7, 9}
    assert len(package.calls) > 7


def test_a_push_while_reading_makes_it_read_again() -> None:
    package = Package(*numbered(9))
    package.before[3] = lambda: package.push(version(10))

    reading = read_whole(package.fetch, "ghcr.io/acme/web")

    assert len(reading.versions) == 10


def test_a_tag_that_moves_while_reading_is_never_seen_on_two_versions() -> None:
    package = Package(*numbered(8), version(9, "latest"))

    def move() -> None:
        package.rows = [
            version(5, "latest") if r.id == "5" else replace(r, tags=()) for r in package.rows
        ]

    package.before[4] = move

    reading = read_whole(package.fetch, "ghcr.io/acme/web")

    assert [v.id for v in reading.versions.values() if v.tags] == ["5"]


def test_a_listing_that_changes_under_every_read_is_given_up() -> None:
    package = Package(*numbered(9))
    for call in range(1, 100):
        package.before[call] = lambda: package.push(version(len(package.rows) + 1))

    with pytest.raises(EvidenceError, match="changed during each of 3 reads"):
        read_whole(package.fetch, "ghcr.io/acme/web")


def test_a_listing_with_gaps_of_its_own_is_accepted_when_it_comes_out_the_same_twice() -> None:
    pages = {
        1: VersionsPage((version(6), version(5)), 3),
        2: VersionsPage((version(4),), 3),
        3: VersionsPage((version(3), version(2)), 3),
    }

    with capture_logs() as logs:
        reading = read_whole(lambda numbers: [pages[n] for n in numbers], "ghcr.io/acme/web")

    assert len(reading.versions) == 5
    assert [entry["event"] for entry in logs] == ["listing_uneven"]


@pytest.mark.parametrize(
    ("watermark", "calls"),
    [
        (9, [1]),  # nothing new: the first page holds the watermark and one older row
        (8, [1, 2, 1]),  # the watermark ends the page, and rows of its second may follow
        (5, [1, 2, 3, 1]),
        (0, [1, 2, 3, 4, 5, 1]),
    ],
)
def test_the_newest_are_read_until_an_older_row_than_the_watermark_shows(
    watermark: int, calls: list[int]
) -> None:
    package = Package(*numbered(9))

    read_newest(package.fetch, watermark, "ghcr.io/acme/web")

    assert package.calls == calls


def test_the_newest_are_read_again_when_something_was_pushed_meanwhile() -> None:
    package = Package(*numbered(9))
    package.before[2] = lambda: package.push(version(10))

    pages = read_newest(package.fetch, 7, "ghcr.io/acme/web")

    assert {v.id for page in pages for v in page.versions} >= {"10", "9", "8"}


def test_rows_that_are_not_in_order_of_time_are_all_read() -> None:
    first = VersionsPage((version(1), version(9)), 2)
    second = VersionsPage((version(8), version(2)), 2)

    pages = read_newest(lambda numbers: [{1: first, 2: second}[n] for n in numbers], 7, "web")

    assert pages == (first, second)


def test_a_package_that_never_rests_is_given_up() -> None:
    package = Package(*numbered(9))
    for call in range(1, 100):
        package.before[call] = lambda: package.push(version(len(package.rows) + 1))

    with pytest.raises(EvidenceError):
        read_newest(package.fetch, 0, "ghcr.io/acme/web")
