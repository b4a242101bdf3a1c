"""Responses: read within a bound, parsed, paged, redirected, and their failures as our errors.

A redirect never leads to plain HTTP and never carries a credential. Pages are linked by the `Link`
header (RFC 8288).
"""

import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import httpx

from reconciler.errors import ExhaustedError, ProtocolError, UnreachableError
from reconciler.model.base import public, safe
from reconciler.transport.bounds import MAX_PAGES, MAX_URL

_TRANSFER = frozenset({"content-encoding", "transfer-encoding"})
"""Headers that describe the transfer and not the body as it is kept."""

_GZIP = frozenset({"gzip", "x-gzip"})
"""The names of the one coding that is asked for. Source: RFC 9110, section 8.4.1.3."""

_GZIP_BITS = 16 + zlib.MAX_WBITS
"""Tells zlib to read gzip, and nothing else."""

_MAX_CODINGS = 100
"""Longest list of codings that is quoted, in characters."""

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port: what a credential belongs to. Source: RFC 6454."""

_PORTS = {"http": 80, "https": 443}

_TLS_HINT = (
    "Add the authority that signed its certificate with SSL_CERT_FILE, or say in"
    " RECONCILER_REGISTRIES that this host speaks plain_http, if it does."
)
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Failures of transport that no further try can mend."""

_BOUND = frozenset({"authorization", "host"})
"""Headers that belong to the server first asked."""


def loaded(response: httpx.Response, limit: int) -> httpx.Response:
    """Read the body of a streamed answer, and return an answer that holds it.

    Units: `limit` in bytes, decoded; no more than that is ever decoded.
    Raises: ProtocolError, when the body is larger, has a coding that was not asked for, or more
        than one; httpx.DecodingError, when it is not encoded as it says.
    """
    try:
        # An answer that was read before is kept decoded.
        read = response.is_stream_consumed
        body = response.content if read else _decoded(response, limit)
    finally:
        response.close()
    if len(body) > limit:
        raise ProtocolError(f"{place(response)}, with more than {limit} bytes")
    kept = [pair for pair in response.headers.multi_items() if pair[0].lower() not in _TRANSFER]
    buffered = httpx.Response(
        response.status_code, headers=kept, content=body, request=response.request
    )
    # Its server could name any codec of Python's instead, also one that decompresses.
    buffered.encoding = "utf-8"
    return buffered


def _decoded(response: httpx.Response, limit: int) -> bytes:
    """Decode a body as it comes, up to one byte beyond the limit."""
    body = bytearray()
    decoder: _Plain | _Gzip | None = None
    for chunk in response.iter_raw():
        # An answer without a body may name a coding all the same.
        decoder = decoder or _decoder(response)
        body += decoder.decode(chunk, limit + 1 - len(body))
        if len(body) > limit:
            return bytes(body)
    if decoder:
        decoder.finish()
    return bytes(body)


def _decoder(response: httpx.Response) -> "_Plain | _Gzip":
    """Choose how to decode a body.

    Raises: ProtocolError, for anything but one coding that was asked for.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    codings = [coding for coding in map(str.strip, named) if coding not in ("", "identity")]
    if not codings:
        return _Plain()
    if len(codings) > 1 or codings[0] not in _GZIP:
        raise ProtocolError(
            f"{place(response)}, encoded as {safe(', '.join(codings)[:_MAX_CODINGS])!r}: gzip was"
            " asked for, and nothing else"
        )
    return _Gzip()


class _Plain:
    """A body as it comes."""

    def decode(self, chunk: bytes, most: int) -> bytes:
        """Return the chunk, no more than `most` bytes of it."""
        return chunk[:most]

    def finish(self) -> None:
        """Ask for nothing more: HTTP itself tells a body that is not whole."""


class _Gzip:
    """A body in gzip, of which no more is decoded than is asked for."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_BITS)

    def decode(self, chunk: bytes, most: int) -> bytes:
        """Return what a chunk says, no more than `most` bytes of it; whoever gets all stops.

        Raises: httpx.DecodingError.
        """
        if self._stream.eof:
            raise httpx.DecodingError("there is more after the end of its gzip stream")
        try:
            decoded = self._stream.decompress(chunk, most)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error
        if self._stream.unused_data:
            raise httpx.DecodingError("there is more after the end of its gzip stream")
        return decoded

    def finish(self) -> None:
        """Make sure that the stream has come to its end.

        Raises: httpx.DecodingError.
        """
        if not self._stream.eof:
            raise httpx.DecodingError("its gzip stream has no end")


def place(response: httpx.Response) -> str:
    """Say which call was answered how: method, URL, status."""
    return f"{request_text(response.request)} answered {response.status_code}"


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of an answer.

    Raises: ProtocolError, when it is none.
    """
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{place(response)}, and not with JSON") from error


def is_transient(error: BaseException) -> bool:
    """Whether a failure may be gone at the next try: no connection, no answer, half an answer."""
    if isinstance(error, _FINAL) or _is_tls(error):
        return False
    return isinstance(error, httpx.TransportError)


@contextmanager
def translated(request: httpx.Request) -> Iterator[None]:
    """Turn what goes wrong with a request into our errors, naming the request.

    Raises: UnreachableError, when there was no whole answer; ProtocolError, when there was one
        that HTTP does not allow.
    """
    try:
        yield
    except (*_FINAL, httpx.DecodingError, httpx.InvalidURL) as error:
        raise ProtocolError(f"{request_text(request)}: {_describe(error)}") from error
    except httpx.TransportError as error:
        hint = _TLS_HINT if _is_tls(error) else ""
        raise UnreachableError(f"{request_text(request)}: {_describe(error)}", hint=hint) from error


def _describe(error: Exception) -> str:
    """Say what failed; some failures have no words but their name."""
    return safe(public(str(error))) or type(error).__name__


def _is_tls(error: BaseException | None) -> bool:
    """Whether a failed TLS handshake is behind a failure."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


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
    visited: set[str] = set()
    url: str | None = first
    while url is not None:
        if url in visited:
            raise ProtocolError(f"the pages of {_public(httpx.URL(first))} lead in a circle")
        if len(visited) == MAX_PAGES:
            raise ExhaustedError(
                f"{_public(httpx.URL(first))} has more than {MAX_PAGES} pages, and may never end"
            )
        visited.add(url)
        response = read(url)
        yield response
        url = following(response)


def _public(url: httpx.URL) -> str:
    return safe(public(str(url)))


def origin(url: httpx.URL) -> Origin:
    """Return the server that a URL belongs to; a port that goes without saying is said."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def registry_url(host: str, *, plain_http: bool) -> str:
    """Return the address of a registry, without TLS only where that is allowed."""
    return f"{'http' if plain_http else 'https'}://{host}"


def request_text(request: httpx.Request) -> str:
    """Name a request for people: method and URL, without the secrets that a URL can hold."""
    return f"{request.method} {safe(public(str(request.url)))}"


def redirected(request: httpx.Request, response: httpx.Response) -> httpx.Request:
    """Return the request that a redirect asks for, without a credential.

    Raises: ProtocolError, when it leads from TLS to plain HTTP.
    """
    target = response.request.url.join(response.headers["location"])
    following = httpx.Request(
        request.method,
        target,
        headers=[pair for pair in request.headers.items() if pair[0].lower() not in _BOUND],
    )
    if request.url.scheme == "https" and target.scheme != "https":
        raise ProtocolError(
            f"{place(response)} and redirects to plain HTTP: {request_text(following)}"
        )
    return following
