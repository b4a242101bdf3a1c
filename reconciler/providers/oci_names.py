"""Lists of names that a registry gives page by page: tags, and the catalogue of repositories.

Source: OCI distribution-spec v1.1, "Listing Tags"; distribution, docs/spec/api.md, "Catalog".
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from reconciler.errors import ExhaustedError, ProtocolError
from reconciler.providers.registry_errors import codes_of
from reconciler.transport.bounds import MAX_NAMES
from reconciler.transport.http import Client
from reconciler.transport.pages import next_page, pages
from reconciler.transport.replies import json_of, place

PAGE_SIZE = 1000
"""Names asked for at once: the most that the reference implementation gives."""


@dataclass(frozen=True, slots=True)
class NameList:
    """The names of one list, each once, in the registry's order."""

    names: tuple[str, ...]
    pages: int
    known: bool = True
    """Whether there is such a list; False where the registry says that there is none."""


def read_names(read: Callable[[str], httpx.Response], path: str, member: str) -> NameList:
    """Read a list to its end. Shape: an answer of `read` is a page, or 404 for no list at all.

    Raises: ProtocolError, when it is no such list or its links run in a circle; ExhaustedError,
        when it has too many names or pages; and what `read` raises.
    """
    walk = _Walk(path, member)
    count = sum(1 for _ in pages(read, f"{path}?n={PAGE_SIZE}", walk.take))
    return NameList(tuple(walk.names), count, walk.known)


def ask(client: Client, url: str) -> httpx.Response:
    """Ask for a page, and without a page size where the registry thinks it too large."""
    response = client.get(url)
    if "PAGINATION_NUMBER_INVALID" in codes_of(response):
        return client.get(str(httpx.URL(url).copy_remove_param("n")))
    return response


class _Walk:
    """The names read so far."""

    def __init__(self, path: str, member: str) -> None:
        """Begin with none."""
        self._path = path
        self._member = member
        self.names: dict[str, None] = {}
        self.known = True

    def take(self, response: httpx.Response) -> str | None:
        """Take the names of a page, and return where the next one is.

        A full page without a link may be the last one, or come from a registry that forgets
        the link: asking for what follows the last name tells.
        """
        fresh = [name for name in self._page(response) if name not in self.names]
        self.names.update(dict.fromkeys(fresh))
        if len(self.names) > MAX_NAMES:
            raise ExhaustedError(f"{place(response)}: the list has more than {MAX_NAMES} names")
        link = next_page(response)
        if link is None and len(fresh) == PAGE_SIZE:
            return f"{self._path}?n={PAGE_SIZE}&last={quote(fresh[-1], safe='')}"
        return link

    def _page(self, response: httpx.Response) -> list[str]:
        if response.status_code == 404 and not self.names:
            self.known = False
            return []
        document = json_of(response)
        names = document.get(self._member, ()) if isinstance(document, dict) else ()
        names = [] if names is None else names
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ProtocolError(f"{place(response)} without a list of `{self._member}`")
        return names
