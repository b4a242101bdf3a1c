"""Answers, read whole within a bound, and their JSON."""

import zlib
from typing import Any

import httpx

from reconciler.errors import ProtocolError
from reconciler.model.display import safe
from reconciler.transport.urls import request_text

_TRANSFER = frozenset({"content-encoding", "transfer-encoding"})
"""Headers that describe the transfer and not the body as it is kept."""

_GZIP = frozenset({"gzip", "x-gzip"})
"""The names of the one coding that is asked for. Source: RFC 9110, section 8.4.1.3."""

_GZIP_BITS = 16 + zlib.MAX_WBITS
"""Tells zlib to read gzip, and nothing else."""

_MAX_CODINGS = 100
"""Longest list of codings that is quoted, in characters."""


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
    held = httpx.Response(
        response.status_code, headers=kept, content=body, request=response.request
    )
    # Its server could name any codec of Python's instead, also one that decompresses.
    held.encoding = "utf-8"
    return held


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
