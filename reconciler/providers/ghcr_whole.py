"""Read a listing whole: what was read is held against itself, and read again if it has holes."""

from dataclasses import dataclass

import structlog

from reconciler.model.inventory import Version
from reconciler.providers.ghcr_pages import MAX_READS, Fetch, VersionsPage, changed

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ListingRead:
    """One read of all pages; the two ends are read first and, last of all, again.

    Shape: with a single page, all four ends are that page.
    """

    head: VersionsPage
    tail: VersionsPage
    middle: tuple[VersionsPage, ...]
    tail_again: VersionsPage
    head_again: VersionsPage

    @classmethod
    def of(cls, fetch: Fetch) -> "ListingRead":
        """Read every page."""
        (head,) = fetch([1])
        if head.last == 1:
            return cls(head, head, (), head, head)
        (tail,) = fetch([head.last])
        middle = tuple(fetch(range(2, head.last)))
        (tail_again,) = fetch([head.last]) if middle else [tail]
        (head_again,) = fetch([1])
        return cls(head, tail, middle, tail_again, head_again)

    @property
    def versions(self) -> dict[str, Version]:
        """Each version by id, as it was read last."""
        return {version.id: version for page in self._pages for version in page.versions}

    @property
    def unnamed(self) -> frozenset[int]:
        """The ids of rows whose name is no digest."""
        return frozenset(number for page in self._pages for number in page.unnamed)

    @property
    def places(self) -> dict[str, int]:
        """The number of the page that each version, by id, stands on."""
        pages = (self.head, *self.middle, *([self.tail] if self.head.last > 1 else ()))
        return {
            version.id: number
            for number, page in enumerate(pages, start=1)
            for version in page.versions
        }

    def is_whole(self) -> bool:
        """Whether no row can be missing: neither end moved, and there are as many as must be.

        A push moves the head, a deletion moves the tail, and if both happened both moved.
        """
        return (
            self.head_again.ids == self.head.ids
            and self.tail_again == self.tail
            and self._rows() == len(self.versions) + len(self.unnamed)
            and self._has_each_tag_once()
            # The last page that there is has a row; an empty one in its place is no answer.
            and (self.head.last == 1 or self.tail.rows > 0)
        )

    def _rows(self) -> int:
        """Count the rows there must be; each page but the last is as full as the first."""
        return (self.head.last - 1) * self.head.rows + self.tail.rows

    @property
    def _pages(self) -> tuple[VersionsPage, ...]:
        return (self.head, self.tail, *self.middle, self.tail_again, self.head_again)

    def _has_each_tag_once(self) -> bool:
        """Whether no tag was seen on two versions, as one is that moves in the meantime."""
        tags = [tag for version in self.versions.values() for tag in version.tags]
        return len(tags) == len(set(tags))


def read_whole(fetch: Fetch, where: str) -> ListingRead:
    """Read a listing until it adds up, or comes out the very same twice in a row.

    The latter is not shifting: it is a listing with gaps of the registry's own making, which no
    further read would close.

    Raises: EvidenceError, when it changed under every read.
    """
    before: ListingRead | None = None
    for _ in range(MAX_READS):
        reading = ListingRead.of(fetch)
        if reading.is_whole():
            return reading
        if reading == before:
            log.warning("listing_uneven", repository=where, versions=len(reading.versions))
            return reading
        before = reading
    raise changed(where)
