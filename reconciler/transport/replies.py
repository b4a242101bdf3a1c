"""Answers, read whole within a bound, and their JSON."""

from typing import Any

import httpx

from reconciler.errors import ProtocolError
from reconciler.transport.urls import shown

_TRANSFER = frozenset({"content-encoding", "transfer-encoding"})
"""Headers that describe the transfer and not the body as it is kept."""


def loaded(response: httpx.Response, limit: int) -> httpx.Response:
    """Read the body of a streamed answer, and return an answer that holds it.

    Units: `limit` in bytes, after decompression.
    Raises: ProtocolError, when the body is larger.
    """
    body = bytearray()
    try:
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > limit:
                raise ProtocolError(f"{place(response)}, with more than {limit} bytes")
    finally:
        response.close()
    kept = [pair for pair in response.headers.multi_items() if pair[0].lower() not in _TRANSFER]
    return httpx.Response(
        response.status_code, headers=kept, content=bytes(body), request=response.request
    )


def place(response: httpx.Response) -> str:
    """Say which call was answered how: method, URL, status."""
    return f"{shown(response.request)} answered {response.status_code}"


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of an answer.

    Raises: ProtocolError, when it is none.
    """
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{place(response)}, and not with JSON") from error
