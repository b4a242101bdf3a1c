"""The ASGI application: which service a call is for, and what goes wrong on the way."""

import asyncio
from contextlib import suppress
from email.utils import format_datetime

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reconciler.sandbox.call import Call
from reconciler.sandbox.connection import drop, hang, send_half
from reconciler.sandbox.control import Control
from reconciler.sandbox.faults import Trouble
from reconciler.sandbox.github import GitHub
from reconciler.sandbox.performing import perform
from reconciler.sandbox.registry import SandboxRegistry
from reconciler.sandbox.world import RecordedCall, World

_REGISTRY = frozenset({"v2", "token"})


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
        """Answer one request, or leave it unanswered where a fault wants that."""
        request = Request(scope, receive)
        with suppress(ClientDisconnect):
            call = Call.of(request, await request.body())
            if call.segments[0] == "_sandbox":
                await self._control.answer(call)(scope, receive, send)
            else:
                await self._serve(call, request, send)

    async def _serve(self, call: Call, request: Request, send: Send) -> None:
        with self._world.lock:
            trouble = self._world.faults.strike(call.method, call.target)
        response = await self._respond(call, trouble)
        self._remember(call, 0 if trouble.is_silent else response.status_code)
        perform(self._world, *trouble.after)
        match trouble.cut:
            case "hang":
                await hang(request)
            case "truncate":
                await send_half(response, request, send)
            case _ if trouble.is_silent:
                await drop(request)
            case _:
                await response(request.scope, request.receive, send)

    async def _respond(self, call: Call, trouble: Trouble) -> Response:
        """Let the service handle the call, unless a fault takes its place."""

        async def pause() -> None:
            await asyncio.sleep(self._world.settings.latency + trouble.delay)
            # What others do comes after the wait and right before the call takes effect.
            perform(self._world, *trouble.before)

        response = Response()
        if trouble.is_intercepted:
            await pause()
        elif call.segments[0] in _REGISTRY:
            response = await self._registry.answer(call, pause)
        else:
            response = await self._github.answer(call, pause)
        if trouble.answer is not None:
            answer = trouble.answer
            response = Response(answer.body, answer.status, answer.headers)
        date = self._world.now + self._world.settings.date_skew
        response.headers["date"] = format_datetime(date, usegmt=True)
        return response

    def _remember(self, call: Call, status: int) -> None:
        seen = RecordedCall(call.method, call.target, status, credential=bool(call.credential[0]))
        with self._world.lock:
            self._world.requests.append(seen)
