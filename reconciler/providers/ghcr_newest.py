"""Read the newest versions only, as far back as a version that is known already."""

from collections.abc import Sequence
from itertools import chain, pairwise

from reconciler.errors import EvidenceError
from reconciler.providers.ghcr_pages import MAX_READS, Fetch, VersionsPage, changed


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
