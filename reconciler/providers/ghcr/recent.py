"""Read the newest versions, back to a known one; positions of versions in a listing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version
from reconciler.providers.ghcr.pages import MAX_READS, Fetch, VersionsPage, changed


def read_newest(fetch: Fetch, watermark: int, where: str) -> tuple[VersionsPage, ...]:
    """Read pages from the newest on until they cover all that is newer than the watermark.

    Shape: at least one page; every page there is, when the rows are not in order of time.
    Raises: EvidenceError, when the listing changed under every read, or is empty and was not.
    """
    for _ in range(MAX_READS):
        pages = _down_to(fetch, watermark)
        if watermark and not pages[0].ids:
            raise EvidenceError(f"{where}: the list of its versions, full before, is empty")
        # One page is one moment; of several the first must still be what it was.
        if len(pages) == 1 or fetch([1])[0] == pages[0]:
            return pages
    raise changed(where)


def _down_to(fetch: Fetch, watermark: int) -> tuple[VersionsPage, ...]:
    pages = list(fetch([1]))
    while len(pages) < pages[-1].last and not _covers(pages, watermark):
        pages.extend(fetch([len(pages) + 1]))
    return tuple(pages)


def _covers(pages: Sequence[VersionsPage], watermark: int) -> bool:
    """Whether a row as old as the watermark was met, and after it one of an earlier second.

    Rows of one second stand in no known order, so newer ones may follow the first old one.
    """
    times = list(chain.from_iterable(page.times for page in pages))
    ids = chain.from_iterable(page.ids for page in pages)
    met = next((time for time, number in zip(times, ids, strict=True) if number <= watermark), None)
    is_ordered = all(newer >= older for newer, older in pairwise(times))
    return met is not None and is_ordered and times[-1] < met


@dataclass(frozen=True, slots=True)
class Places:
    """The page that each version of a package, by id, stood on.

    Deleting the oldest first moves nothing that is still to be deleted, and a push moves all by
    one: the page a version stood on mostly still has it, and whoever is not there is asked for.
    """

    page_of: Mapping[str, int] = field(default_factory=dict)

    def pages_of(self, versions: Sequence[Version]) -> Mapping[int, set[str]]:
        """Map each page to the ids of those of the versions that stood on it."""
        wanted: dict[int, set[str]] = defaultdict(set)
        for version in versions:
            if version.id in self.page_of:
                wanted[self.page_of[version.id]].add(version.id)
        return wanted

    def standing(self, versions: Sequence[Version], fetch: Fetch) -> dict[str, Version]:
        """Read their pages; return, by id, those of the versions that stand where they stood."""
        wanted = self.pages_of(versions)
        ids: set[str] = set().union(*wanted.values())
        read = fetch(wanted)
        return {
            version.id: version for page in read for version in page.versions if version.id in ids
        }
