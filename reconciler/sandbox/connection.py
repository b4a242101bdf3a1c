"""Ways to leave a client without a proper answer."""

import asyncio
import socket
from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_TRANSPORT = "transport"


class ExposedProtocol(H11Protocol):
    """HTTP whose requests know their connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # always that one
        """Hand the connection on with the state of each request."""
        super().connection_made(transport)
        # Head and body are two writes; without this the second waits for the client's ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


async def drop(request: Request) -> None:
    """Close the connection without a word."""
    _transport(request).abort()
    await hang(request)


async def hang(request: Request) -> None:
    """Wait until the client gives up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def send_half(response: Response, request: Request, send: Send) -> None:
    """Promise a whole body, send half of it, and close the connection."""

    async def send_first_half(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            half = message["body"][: len(message["body"]) // 2]
            message = {**message, "body": half, "more_body": True}
        await send(message)

    await response(request.scope, request.receive, send_first_half)
    # Closing sends what is written first; aborting might lose it.
    _transport(request).close()
    await hang(request)


def _transport(request: Request) -> asyncio.Transport:
    transport: asyncio.Transport = request.scope["state"][_TRANSPORT]
    return transport
