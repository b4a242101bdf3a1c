"""The sandbox on a loopback port, inside another program or as a program of its own."""

import asyncio
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from typing import Any, Self

import uvicorn

from reconciler.model.snapshot import Snapshot
from reconciler.sandbox.app import App, ExposedProtocol
from reconciler.sandbox.faults import Advance, Fault, Operation
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.performing import perform
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.snapshots import snapshot_of
from reconciler.sandbox.world import RecordedCall, World

LOOPBACK = "127.0.0.1"

_TICK = 0.01
"""Seconds between two looks at whether to stop."""


class Sandbox:
    """A stand-in for GitHub Packages and ghcr.io, and everything one may ask of it.

    Shape: `host` is `127.0.0.1:port`, and both the REST API and the registry answer there.
    """

    def __init__(
        self, settings: SandboxSettings | None = None, packages: Iterable[StoredPackage] = ()
    ) -> None:
        """Prepare a world of packages; nothing listens before `serve`."""
        self.world = World(settings or SandboxSettings(), packages)
        self.host = ""

    @property
    def url(self) -> str:
        """The base address of the REST API; the registry's is the same."""
        return f"http://{self.host}"

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[Self]:
        """Listen on a loopback port, a free one by default, until the block ends."""
        with socket.create_server((LOOPBACK, port), backlog=2048) as listener:
            self.host = f"{LOOPBACK}:{listener.getsockname()[1]}"
            server = _server(self.world)
            thread = Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
            thread.start()
            try:
                yield self
            finally:
                server.should_exit = True
                thread.join()

    def package(self, path: str) -> StoredPackage:
        """Return the package `owner/name`, to look at or, before serving, to fill.

        Raises: KeyError, when there is none.
        """
        return self.world.packages[path]

    def add_faults(self, *faults: Fault) -> None:
        """Put faults in force."""
        with self.world.lock:
            self.world.faults.add(*faults)

    def clear_faults(self) -> None:
        """Take all faults out of force."""
        with self.world.lock:
            self.world.faults.clear()

    def perform(self, *operations: Operation) -> None:
        """Do now what somebody else might do to a package."""
        perform(self.world, *operations)

    def advance(self, by: timedelta) -> None:
        """Move the sandbox's clock forward."""
        perform(self.world, Advance(by=by))

    @property
    def requests(self) -> list[RecordedCall]:
        """Every call so far, in the order of the answers."""
        with self.world.lock:
            return list(self.world.requests)

    def forget_requests(self) -> None:
        """Begin the record of calls anew."""
        with self.world.lock:
            self.world.requests.clear()

    def state(self) -> dict[str, Any]:
        """Describe every package as it is."""
        with self.world.lock:
            return self.world.state()

    def snapshot(self) -> Snapshot:
        """Record every package, with its bytes, so that another sandbox can serve it."""
        with self.world.lock:
            return snapshot_of(self.world.packages.values(), self.world.now)


def serve_forever(
    settings: SandboxSettings,
    packages: Iterable[StoredPackage],
    *,
    port: int = 0,
    started: Callable[[str], None],
) -> None:
    """Serve until interrupted; `started` is told the address once clients can connect."""
    # The kernel takes connections from here on, so the address may be told before the loop runs.
    with socket.create_server((LOOPBACK, port), backlog=2048) as listener:
        started(f"http://{LOOPBACK}:{listener.getsockname()[1]}")
        _server(World(settings, packages)).run([listener])


class _Server(uvicorn.Server):
    """A server that stops within milliseconds, whatever is still open or hanging."""

    async def main_loop(self) -> None:
        """Serve until told to stop."""
        while not self.should_exit:  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(_TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port and cut every connection."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the loop then tells each connection that it is lost


def _server(world: World) -> _Server:
    config = uvicorn.Config(
        App(world),
        http=ExposedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )
    return _Server(config)
