"""The versions listing of one package, page by page."""

from collections.abc import Iterable, Sequence
from threading import Lock

import httpx

from reconciler.errors import ExhaustedError, ProtocolError
from reconciler.providers.ghcr_api import GitHubApi
from reconciler.providers.ghcr_pages import PAGE_SIZE, VersionsPage
from reconciler.providers.ghcr_rows import unnamed_of, versions_of
from reconciler.transport.bounds import MAX_NAMES, MAX_PAGES
from reconciler.transport.pages import linked
from reconciler.transport.pool import gather
from reconciler.transport.replies import place

PARALLEL_PAGES = 10
"""Pages read at once."""

REMEMBERED_PAGES = 1_000
"""Pages kept to be compared by their ETag; the oldest are forgotten first."""


class Remembered:
    """Pages as they were read last, with the ETag by which the server may say "unchanged".

    A 304 is a fresh answer of the server and costs nothing of the hourly limit.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = Lock()
        self._pages: dict[str, tuple[str, VersionsPage]] = {}

    def find(self, path: str) -> tuple[str, VersionsPage] | None:
        """Return the ETag and the page of a path."""
        with self._lock:
            return self._pages.get(path)

    def keep(self, path: str, etag: str, page: VersionsPage) -> None:
        """Keep a page that came with an ETag, in place of what the path gave before."""
        with self._lock:
            self._pages.pop(path, None)
            if etag:
                self._pages[path] = (etag, page)
            while len(self._pages) > REMEMBERED_PAGES:
                del self._pages[next(iter(self._pages))]


class VersionPages:
    """The pages of one package's active versions."""

    def __init__(self, api: GitHubApi, remembered: Remembered, package: str) -> None:
        """Read the listing below a package's path."""
        self._api = api
        self._remembered = remembered
        self._path = f"{package}/versions?state=active&per_page={PAGE_SIZE}"
        self._names: dict[int, int] = {}
        """How many names each page has, by its number; a page that is read again counts once."""

    def fetch(self, numbers: Iterable[int]) -> Sequence[VersionsPage]:
        """Read pages by their numbers, several at once."""
        wanted = list(numbers)
        pages = gather(self._page, wanted, workers=PARALLEL_PAGES)
        return [pages[number] for number in wanted]

    def _page(self, number: int) -> VersionsPage:
        path = f"{self._path}&page={number}"
        known = self._remembered.find(path)
        headers = {"if-none-match": known[0]} if known else {}
        response = self._api.read(path, headers=headers)
        if known and response.status_code == 304:
            return known[1]
        page = VersionsPage(
            versions_of(response), last_page(response, number), unnamed_of(response)
        )
        self._bound(number, page, response)
        self._remembered.keep(path, response.headers.get("etag", ""), page)
        return page

    def _bound(self, number: int, page: VersionsPage, response: httpx.Response) -> None:
        """Count the names of a page.

        Raises: ExhaustedError, when all pages together have too many.
        """
        self._names[number] = page.rows + sum(len(version.tags) for version in page.versions)
        # Threads write other numbers meanwhile, so what is added up is a copy.
        if sum(dict(self._names).values()) > MAX_NAMES:
            raise ExhaustedError(
                f"{place(response)}: its pages have more than {MAX_NAMES} versions and tags"
            )


def last_page(response: httpx.Response, number: int) -> int:
    """Read the number of the last page from the links of any page.

    Raises: ProtocolError, when there is a next page and no telling how many follow.
    """
    if linked(response, "next") is None:
        return number
    text = httpx.URL(linked(response, "last") or "").params.get("page", "")
    last = int(text) if text.isascii() and text.isdigit() else 0
    if not number < last <= MAX_PAGES:
        raise ProtocolError(f"{place(response)}: its links name no last page up to {MAX_PAGES}")
    return last
