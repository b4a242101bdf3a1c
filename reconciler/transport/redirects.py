"""Redirects of reads: never down to plain HTTP, never with a credential."""

import httpx

from reconciler.errors import ProtocolError
from reconciler.transport.replies import place
from reconciler.transport.urls import request_text

_BOUND = frozenset({"authorization", "host"})
"""Headers that belong to the server first asked."""


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
