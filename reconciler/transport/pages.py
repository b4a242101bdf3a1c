"""Listings that come in pages, linked by the `Link` header (RFC 8288)."""

from collections.abc import Callable, Iterator

import httpx

from reconciler.errors import ExhaustedError, ProtocolError
from reconciler.model.display import public, safe
from reconciler.transport.bounds import MAX_PAGES, MAX_URL
from reconciler.transport.replies import place
from reconciler.transport.urls import origin


def linked(response: httpx.Response, relation: str) -> str | None:
    """Return the URL of the `next`, `prev`, `first` or `last` page, None where there is none.

    Raises: ProtocolError, when it lies on another server, which has no business with us.
    """
    target = response.links.get(relation, {}).get("url")
    if target is None:
        return None
    if len(target) > MAX_URL:
        raise ProtocolError(f"{place(response)} and links to a URL of {len(target)} characters")
    try:
        url = response.request.url.join(target)
    except httpx.InvalidURL as error:
        raise ProtocolError(f"{place(response)} and links to no URL: {safe(target)}") from error
    if origin(url) != origin(response.request.url):
        raise ProtocolError(f"{place(response)} and links to another server: {_public(url)}")
    return str(url)


def next_page(response: httpx.Response) -> str | None:
    """Return the URL of the page after this one, None after the last."""
    return linked(response, "next")


def pages(
    read: Callable[[str], httpx.Response],
    first: str,
    following: Callable[[httpx.Response], str | None] = next_page,
) -> Iterator[httpx.Response]:
    """Read a listing page by page to its end; `following` tells from a page where the next is.

    Raises: ProtocolError, when the links run in a circle; ExhaustedError, when there are too many
        pages; and what `read` raises.
    """
    seen: set[str] = set()
    url: str | None = first
    while url is not None:
        if url in seen:
            raise ProtocolError(f"the pages of {_public(httpx.URL(first))} lead in a circle")
        if len(seen) == MAX_PAGES:
            raise ExhaustedError(
                f"{_public(httpx.URL(first))} has more than {MAX_PAGES} pages, and may never end"
            )
        seen.add(url)
        response = read(url)
        yield response
        url = following(response)


def _public(url: httpx.URL) -> str:
    return safe(public(str(url)))
