"""The pages of a package's versions: one page, the newest ones, and the page of each version."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain, pairwise

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version

PAGE_SIZE = 100
"""Rows requested in one page, the maximum. Source: GitHub's OpenAPI description, `per_page`."""

MAX_READS = 3
"""How often a listing that changes is read before it is an error; a read takes seconds, so a
repository with a push or deletion during each of three reads is in use right now."""


@dataclass(frozen=True)
class VersionsPage:
    """One page of versions, newest first. Shape: `last` is the number of the last page."""

    versions: tuple[Version, ...]
    last: int
    unnamed: tuple[int, ...] = ()
    """The ids of rows whose name is not a digest. They are kept: they have no manifest to read."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.versions) + len(self.unnamed)

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The ids of its versions, in the order of the page."""
        return tuple(int(version.id) for version in self.versions)

    @cached_property
    def times(self) -> tuple[datetime, ...]:
        """When its versions were first pushed, in the order of the page."""
        return tuple(version.pushed for version in self.versions if version.pushed)


Fetch = Callable[[Iterable[int]], Sequence[VersionsPage]]
"""Reads pages by their numbers, which begin at 1, in parallel."""


def listing_changed(where: str) -> EvidenceError:
    """Build the error for a listing that changes during every read."""
    return EvidenceError(
        f"{where}: the list of its versions changed during each of {MAX_READS} reads",
        hint="Nothing was deleted there. Run again when no other process pushes to it or deletes"
        " from it.",
    )


def read_newest(fetch: Fetch, watermark: int, where: str) -> tuple[VersionsPage, ...]:
    """Read pages, the newest first, until they have every version newer than the watermark.

    Shape: at least one page; all pages, if the rows are not in order of time.
    Raises: EvidenceError, when the listing changed during every read, or is empty now but was not.
    """
    for _ in range(MAX_READS):
        pages = tuple(fetch([1]))
        while len(pages) < pages[-1].last and not _covers(pages, watermark):
            pages = (*pages, *fetch([len(pages) + 1]))
        # An empty list may be an error of the server: it would hide every new version.
        if watermark and not pages[0].ids:
            raise EvidenceError(f"{where}: the list of its versions is empty, but was not before")
        # A single page is consistent; of several, the first must be unchanged: a push shifts it.
        if len(pages) == 1 or fetch([1])[0] == pages[0]:
            return pages
    raise listing_changed(where)


def _covers(pages: Sequence[VersionsPage], watermark: int) -> bool:
    """Whether the pages reach a row as old as the watermark, and a row of an earlier second.

    The order of rows of one second is not documented, so newer ones may follow the first old one.
    """
    times = list(chain.from_iterable(page.times for page in pages))
    ids = chain.from_iterable(page.ids for page in pages)
    met = next((time for time, number in zip(times, ids, strict=True) if number <= watermark), None)
    is_ordered = all(newer >= older for newer, older in pairwise(times))
    return met is not None and is_ordered and times[-1] < met


@dataclass(frozen=True, slots=True)
class PagePositions:
    """The page that each version of a package, by id, was on when the listing was read.

    Versions are deleted oldest first, which moves no version that is still to be deleted, and a
    push moves all by one. So a version is mostly still on its page, and else is read by itself.
    """

    page_of: Mapping[str, int] = field(default_factory=dict)

    def pages_of(self, versions: Sequence[Version]) -> Mapping[int, set[str]]:
        """Map page numbers to the ids of those of the versions that were on the page."""
        wanted: dict[int, set[str]] = defaultdict(set)
        for version in versions:
            if version.id in self.page_of:
                wanted[self.page_of[version.id]].add(version.id)
        return wanted

    def reread(self, versions: Sequence[Version], fetch: Fetch) -> dict[str, Version]:
        """Read the pages of the versions again; return, by id, those that are still on them."""
        wanted = self.pages_of(versions)
        ids: set[str] = set().union(*wanted.values())
        read = fetch(wanted)
        return {
            version.id: version for page in read for version in page.versions if version.id in ids
        }
