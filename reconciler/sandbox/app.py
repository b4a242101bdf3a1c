"""The ASGI application: which service a call is for, and faults such as a broken connection."""

import asyncio
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from email.utils import format_datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.sandbox.call import Call
from reconciler.sandbox.control import Control, perform
from reconciler.sandbox.faults import CombinedFault
from reconciler.sandbox.github import GitHub
from reconciler.sandbox.registry import SandboxRegistry
from reconciler.sandbox.world import RecordedCall, World

_REGISTRY = frozenset({"v2", "token"})

_TRANSPORT = "transport"


class App:
    """Routes calls by the first part of their raw path.

    The path is split before it is decoded: a package's name is one encoded segment, and a
    router that decodes first would take `a%2Fb` apart.
    """

    def __init__(self, world: World) -> None:
        """Serve a world."""
        self._world = world
        self._control = Control(world)
        self._github = GitHub(world)
        self._registry = SandboxRegistry(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or leave it unanswered where a fault requires that."""
        request = Request(scope, receive)
        # A client that gives up, as it does on a fault, is not an error of the server.
        with suppress(ClientDisconnect):
            call = Call.of(request, await request.body())
            if call.segments[0] == "_sandbox":
                await self._control.answer(call)(scope, receive, send)
                return
            with self._world.lock:
                fault = self._world.faults.faults_for(call.method, call.target)
            response = await self._respond(call, fault)
            status = 0 if fault.is_silent else response.status_code
            has_credential = bool(call.credential[0])
            # Recorded before it is sent: a client that has the answer may ask for the record.
            with self._world.lock:
                self._world.requests.append(
                    RecordedCall(call.method, call.target, status, has_credential)
                )
            perform(self._world, *fault.after)
            match fault.cut:
                case "hang":
                    await hang(request)
                case "truncate":
                    await send_half(response, request, send)
                case _ if fault.is_silent:
                    await drop(request)
                case _:
                    await response(scope, receive, send)

    async def _respond(self, call: Call, fault: CombinedFault) -> Response:
        """Let the service handle the call, unless a fault intercepts it."""

        async def pause() -> None:
            await asyncio.sleep(self._world.settings.latency + fault.delay)
            # Operations of others come after the wait and right before the call takes effect.
            perform(self._world, *fault.before)

        response = Response()
        if fault.is_intercepted:
            await pause()
        elif call.segments[0] in _REGISTRY:
            response = await self._registry.answer(call, pause)
        else:
            response = await self._github.answer(call, pause)
        if fault.answer is not None:
            answer = fault.answer
            response = Response(answer.body, answer.status, answer.headers)
        # The `Date` of the server, and not this machine's clock, is what clients measure ages by.
        date = self._world.now + self._world.settings.date_skew
        response.headers["date"] = format_datetime(date, usegmt=True)
        return response


class ExposedProtocol(H11Protocol):
    """HTTP protocol whose requests have access to their connection, so that a fault can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # always that one
        """Put the connection into the state of each request."""
        super().connection_made(transport)
        # Head and body are two writes; without this the second waits for the client's ACK.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


async def drop(request: Request) -> None:
    """Close the connection without an answer."""
    _transport(request).abort()
    await hang(request)


async def hang(request: Request) -> None:
    """Wait until the client gives up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def send_half(response: Response, request: Request, send: Send) -> None:
    """Announce a complete body, send half of it, and close the connection."""

    async def send_first_half(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            half = message["body"][: len(message["body"]) // 2]
            message = {**message, "body": half, "more_body": True}
        await send(message)

    await response(request.scope, request.receive, send_first_half)
    # Closing sends the written half first; aborting might lose it.
    _transport(request).close()
    await hang(request)


def _transport(request: Request) -> asyncio.Transport:
    transport: asyncio.Transport = request.scope["state"][_TRANSPORT]
    return transport
