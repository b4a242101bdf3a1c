"""Read responses within bounds: bodies, JSON, pages, redirects; translate failures into errors.

Redirects from TLS to plain HTTP are refused, and none gets a credential. Pages are linked by the
`Link` header (RFC 8288).
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

_TRANSFER = frozenset({b"content-encoding", b"transfer-encoding"})
"""Headers that describe the transfer, and not the decoded body."""

_GZIP = frozenset({"gzip", "x-gzip"})
"""The names of the only accepted coding. Source: RFC 9110, section 8.4.1.3."""

_GZIP_BITS = 16 + zlib.MAX_WBITS
"""Makes zlib accept gzip only."""

_MAX_CODINGS = 100
"""Longest list of codings that is quoted, in characters."""

Origin: TypeAlias = tuple[str, str, int]
"""Scheme, host and port: credentials are sent to one origin only. Source: RFC 6454."""

_PORTS = {"http": 80, "https": 443}

_TLS_HINT = (
    "Add the authority that signed its certificate with SSL_CERT_FILE; or, if this host does not"
    " use TLS, set `plain_http` for it in RECONCILER_REGISTRIES."
)
_CONNECTION_HINT = (
    "Check the name of the host, the network, and HTTPS_PROXY and NO_PROXY. Nothing was deleted in"
    " this repository."
)
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Failures that a retry cannot cure."""

_BOUND = frozenset({"authorization", "host"})
"""Headers that are only for the first server, and are removed on a redirect."""


def read_body(response: httpx.Response, limit: int) -> httpx.Response:
    """Read the body of a streamed response, and return a response that has it.

    Units: `limit` in bytes, decoded; not more than one byte beyond it is decoded.
    Raises: ProtocolError, when the body is larger, or has another coding than gzip, or several;
        httpx.DecodingError, when the encoded body is invalid.
    """
    try:
        # The body of a response that was read before is decoded already.
        read = response.is_stream_consumed
        body = response.content if read else _decoded(response, limit)
    finally:
        response.close()
    if len(body) > limit:
        raise ProtocolError(f"{place(response)}, with more than {limit} bytes")
    kept = [pair for pair in response.headers.raw if pair[0].lower() not in _TRANSFER]
    buffered = httpx.Response(
        response.status_code, headers=kept, content=body, request=response.request
    )
    # Otherwise the server could choose any codec of Python, even one that decompresses.
    buffered.encoding = "utf-8"
    return buffered


def _decoded(response: httpx.Response, limit: int) -> bytes:
    """Decode a body while it is received, up to one byte beyond the limit."""
    body = bytearray()
    decoder: _Plain | _Gzip | None = None
    for chunk in response.iter_raw():
        # A response without a body may have a Content-Encoding: it is checked for bodies only.
        decoder = decoder or _decoder(response)
        body += decoder.decode(chunk, limit + 1 - len(body))
        if len(body) > limit:
            return bytes(body)
    if decoder:
        decoder.finish()
    return bytes(body)


def _decoder(response: httpx.Response) -> "_Plain | _Gzip":
    """Return the decoder of a body.

    Raises: ProtocolError, for any coding but gzip.
    """
    named = response.headers.get("content-encoding", "").lower().split(",")
    codings = [coding for coding in map(str.strip, named) if coding not in ("", "identity")]
    if not codings:
        return _Plain()
    if len(codings) > 1 or codings[0] not in _GZIP:
        raise ProtocolError(
            f"{place(response)}, encoded as {safe(', '.join(codings)[:_MAX_CODINGS])!r}, but only"
            " gzip was accepted"
        )
    return _Gzip()


class _Plain:
    """A body that is not encoded."""

    def decode(self, chunk: bytes, most: int) -> bytes:
        """Return at most `most` bytes of the chunk."""
        return chunk[:most]

    def finish(self) -> None:
        """Do nothing: HTTP itself detects an incomplete body."""


class _Gzip:
    """A gzip body, decoded up to a limit."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP_BITS)

    def decode(self, chunk: bytes, most: int) -> bytes:
        """Decode at most `most` bytes of a chunk; a caller that gets as many must stop.

        Raises: httpx.DecodingError.
        """
        if self._stream.eof:
            raise httpx.DecodingError("there is data after the end of its gzip stream")
        try:
            decoded = self._stream.decompress(chunk, most)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error
        if self._stream.unused_data:
            raise httpx.DecodingError("there is data after the end of its gzip stream")
        return decoded

    def finish(self) -> None:
        """Check that the stream is complete.

        Raises: httpx.DecodingError.
        """
        if not self._stream.eof:
            raise httpx.DecodingError("its gzip stream is incomplete")


def place(response: httpx.Response) -> str:
    """Return method, URL and status, for messages."""
    return f"{request_text(response.request)} answered {response.status_code}"


def json_of(response: httpx.Response) -> Any:
    """Parse a response as JSON.

    Raises: ProtocolError, when it is not JSON.
    """
    try:
        return response.json()
    # JSON that is nested deeply enough exhausts the stack of the parser.
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{place(response)}, but the body is not JSON") from error


def is_transient(error: BaseException) -> bool:
    """Whether a retry may succeed: no connection, no response, or an incomplete one."""
    if isinstance(error, _FINAL) or _is_tls(error):
        return False
    return isinstance(error, httpx.TransportError)


@contextmanager
def translate_errors(request: httpx.Request) -> Iterator[None]:
    """Turn the failures of a request into our errors, with the request in the message.

    Raises: UnreachableError, when there was no complete response; ProtocolError, when it was
        invalid.
    """
    try:
        yield
    except (*_FINAL, httpx.DecodingError, httpx.InvalidURL) as error:
        raise ProtocolError(f"{request_text(request)}: {_describe(error)}") from error
    except httpx.TransportError as error:
        is_unconnected = isinstance(error, httpx.ConnectError | httpx.ProxyError)
        hint = _TLS_HINT if _is_tls(error) else _CONNECTION_HINT if is_unconnected else ""
        raise UnreachableError(f"{request_text(request)}: {_describe(error)}", hint=hint) from error


def _describe(error: Exception) -> str:
    """Return the message of a failure, or its name if it has none."""
    return safe(public(str(error))) or type(error).__name__


def _is_tls(error: BaseException | None) -> bool:
    """Whether a failed TLS handshake caused a failure."""
    # The HTTP library raises its own error from it, or while it handles it.
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def page_link(response: httpx.Response, relation: str) -> str | None:
    """Return the URL of the `next`, `prev`, `first` or `last` page, None without such a link.

    Raises: ProtocolError, when it is on another server, which would see the credentials.
    """
    target = response.links.get(relation, {}).get("url")
    if target is None:
        return None
    if len(target) > MAX_URL:
        raise ProtocolError(
            f"{place(response)} and links to a URL of {len(target)} characters,"
            f" but the limit is {MAX_URL}"
        )
    try:
        url = response.request.url.join(target)
    except httpx.InvalidURL as error:
        raise ProtocolError(f"{place(response)} with an invalid link: {safe(target)}") from error
    if origin(url) != origin(response.request.url):
        raise ProtocolError(f"{place(response)} and links to another server: {_public(url)}")
    return str(url)


def next_page(response: httpx.Response) -> str | None:
    """Return the URL of the next page, None after the last."""
    return page_link(response, "next")


def pages(
    read: Callable[[str], httpx.Response],
    first: str,
    following: Callable[[httpx.Response], str | None] = next_page,
) -> Iterator[httpx.Response]:
    """Read a listing page by page to its end; `following` returns the URL of the next page.

    Raises: ProtocolError, when the links form a cycle; ExhaustedError, when there are too many
        pages; and what `read` raises.
    """
    visited: set[str] = set()
    url: str | None = first
    while url is not None:
        # A server that links in a circle would keep the run, and its lock, for ever.
        if url in visited:
            raise ProtocolError(f"the pages of {_public(httpx.URL(first))} link in a cycle")
        if len(visited) == MAX_PAGES:
            raise ExhaustedError(f"{_public(httpx.URL(first))} has more than {MAX_PAGES} pages")
        visited.add(url)
        response = read(url)
        yield response
        url = following(response)


def _public(url: httpx.URL) -> str:
    return safe(public(str(url)))


def origin(url: httpx.URL) -> Origin:
    """Return the origin of a URL, with the default port if the URL has none."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


def registry_url(host: str, *, plain_http: bool) -> str:
    """Return the address of a registry; `plain_http` is the user's permission to omit TLS."""
    return f"{'http' if plain_http else 'https'}://{host}"


def request_text(request: httpx.Request) -> str:
    """Return method and URL, without secrets in the URL, for messages."""
    return f"{request.method} {safe(public(str(request.url)))}"


def follow_redirect(request: httpx.Request, response: httpx.Response) -> httpx.Request:
    """Return the redirected request, without credentials.

    Raises: ProtocolError, for a redirect from TLS to plain HTTP.
    """
    target = response.request.url.join(response.headers["location"])
    following = httpx.Request(
        request.method,
        target,
        headers=[pair for pair in request.headers.items() if pair[0].lower() not in _BOUND],
    )
    # The signed URL of a document, and the document itself, could be read and altered on the way.
    if request.url.scheme == "https" and target.scheme != "https":
        raise ProtocolError(
            f"{place(response)} and redirects to plain HTTP: {request_text(following)}"
        )
    return following
