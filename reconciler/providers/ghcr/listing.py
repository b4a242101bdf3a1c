"""Read all versions of one package, complete although others push and delete meanwhile.

GitHub pages by offset, without snapshot or cursor: a push shifts all rows back by one, a deletion
shifts the rows behind it forward, and a row that moves from an unread page to a page already read
is missed. So the pages are compared with one another, and read again if rows are missing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import httpx

from reconciler.errors import ExhaustedError, ProtocolError
from reconciler.events import log
from reconciler.github.client import GitHubClient
from reconciler.model.inventory import Version
from reconciler.providers.ghcr.errors import Need
from reconciler.providers.ghcr.pages import (
    MAX_READS,
    PAGE_SIZE,
    Fetch,
    VersionsPage,
    listing_changed,
)
from reconciler.providers.ghcr.rows import page_of
from reconciler.transport.bounds import MAX_NAMES, MAX_PAGES
from reconciler.transport.replies import page_link, place

PARALLEL_PAGES = 10
"""Pages read at once: at up to 0.6 s an answer, ten reach the API's limit of 900 reads a minute."""

MAX_CACHED_PAGES = 1_000
"""Pages cached with their ETag, the oldest are dropped first: the pages of 100,000 versions."""


class PageCache:
    """Pages as last read, with the ETag for conditional requests.

    A 304 is a current answer of the server, and does not count against the hourly limit.
    Source: GitHub, "Best practices for using the REST API", conditional requests.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._lock = Lock()
        self._pages: dict[str, tuple[str, VersionsPage]] = {}

    def find(self, path: str) -> tuple[str, VersionsPage] | None:
        """Return the ETag and the page of a path, if cached."""
        with self._lock:
            return self._pages.get(path)

    def keep(self, path: str, etag: str, page: VersionsPage) -> None:
        """Cache a page that came with an ETag, in place of the path's previous page."""
        with self._lock:
            self._pages.pop(path, None)
            if etag:
                self._pages[path] = (etag, page)
            while len(self._pages) > MAX_CACHED_PAGES:
                del self._pages[next(iter(self._pages))]


class VersionPages:
    """The pages of one package's active versions."""

    def __init__(self, api: GitHubClient, remembered: PageCache, package: str) -> None:
        """Read the listing of the package at an API path."""
        self._api = api
        self._remembered = remembered
        self._path = f"{package}/versions?state=active&per_page={PAGE_SIZE}"
        self._names: dict[int, int] = {}
        """The number of names on each page, by page number; a page read again counts once."""

    def fetch(self, numbers: Iterable[int]) -> Sequence[VersionsPage]:
        """Read pages by their numbers, in parallel."""
        wanted = list(numbers)
        pages = self._api.http.workers.gather(self._page, wanted, PARALLEL_PAGES)
        return [pages[number] for number in wanted]

    def _page(self, number: int) -> VersionsPage:
        path = f"{self._path}&page={number}"
        known = self._remembered.find(path)
        headers = {"if-none-match": known[0]} if known else {}
        response = self._api.read(path, Need.READ, headers)
        if known and response.status_code == 304:
            return known[1]
        versions, unnamed = page_of(response)
        page = VersionsPage(versions, last_page(response, number), unnamed)
        self._names[number] = page.rows + sum(len(version.tags) for version in page.versions)
        # Other threads add pages meanwhile, so the sum is taken over a copy.
        if sum(dict(self._names).values()) > MAX_NAMES:
            raise ExhaustedError(
                f"{place(response)}: the package has more than {MAX_NAMES} versions and tags"
            )
        self._remembered.keep(path, response.headers.get("etag", ""), page)
        return page


def last_page(response: httpx.Response, number: int) -> int:
    """Return the number of the last page, from the links of any page.

    Raises: ProtocolError, when there is a next page and no link to the last one.
    """
    if page_link(response, "next") is None:
        return number
    text = httpx.URL(page_link(response, "last") or "").params.get("page", "")
    last = int(text) if text.isascii() and text.isdigit() else 0
    if not number < last <= MAX_PAGES:
        raise ProtocolError(f"{place(response)}: no valid link to the last page (max {MAX_PAGES})")
    return last


@dataclass(frozen=True, slots=True)
class ListingRead:
    """One read of all pages; the first and the last page are read first, and again at the end.

    Shape: with a single page, all four are that page.
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
        # Both ends are read again last, so that a change during any of the reads shows.
        (tail_again,) = fetch([head.last]) if middle else [tail]
        (head_again,) = fetch([1])
        return cls(head, tail, middle, tail_again, head_again)

    @property
    def versions(self) -> dict[str, Version]:
        """Each version by id, as last read."""
        return {version.id: version for page in self._pages for version in page.versions}

    @property
    def unnamed(self) -> frozenset[int]:
        """The ids of the rows whose name is not a digest."""
        return frozenset(number for page in self._pages for number in page.unnamed)

    @property
    def places(self) -> dict[str, int]:
        """The number of the page that each version, by id, is on."""
        pages = (self.head, *self.middle, *([self.tail] if self.head.last > 1 else ()))
        return {
            version.id: number
            for number, page in enumerate(pages, start=1)
            for version in page.versions
        }

    def is_whole(self) -> bool:
        """Whether no row can be missing: neither end moved, and the number of rows is right.

        A push moves the head, a deletion moves the tail, and if both happened both moved.
        """
        # Each page but the last is as full as the first.
        rows = (self.head.last - 1) * self.head.rows + self.tail.rows
        # A tag that moves meanwhile may appear on two versions.
        tags = [tag for version in self.versions.values() for tag in version.tags]
        return (
            self.head_again.ids == self.head.ids
            and self.tail_again == self.tail
            and rows == len(self.versions) + len(self.unnamed)
            and len(tags) == len(set(tags))
            # The last page of a listing has at least one row: an empty one is no valid answer.
            and (self.head.last == 1 or self.tail.rows > 0)
        )

    @property
    def _pages(self) -> tuple[VersionsPage, ...]:
        return (self.head, self.tail, *self.middle, self.tail_again, self.head_again)


def read_whole(fetch: Fetch, where: str) -> ListingRead:
    """Read a listing until it is consistent, or identical twice in a row.

    Raises: EvidenceError, when it changed during every read.
    """
    before: ListingRead | None = None
    for _ in range(MAX_READS):
        reading = ListingRead.of(fetch)
        if reading.is_whole():
            return reading
        if reading == before:
            # Nothing shifts any more: the registry's own listing has gaps, which no further read
            # closes. The count of the package shows whether versions are missing.
            log.warning("listing_uneven", repository=where, versions=len(reading.versions))
            return reading
        before = reading
    raise listing_changed(where)
