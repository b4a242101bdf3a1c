"""Serve the sandbox on a loopback port, in a thread of a program or as a program of its own."""

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
from reconciler.sandbox.control import perform
from reconciler.sandbox.faults import Advance, Fault, Operation
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.snapshots import snapshot_of
from reconciler.sandbox.world import RecordedCall, World

LOOPBACK = "127.0.0.1"

_TICK = 0.01
"""Seconds between two checks whether to stop."""


class Sandbox:
    """A simulation of GitHub Packages and ghcr.io, with its controls.

    Shape: `host` is `127.0.0.1:port`, and both the REST API and the registry answer there.
    """

    def __init__(
        self, settings: SandboxSettings | None = None, packages: Iterable[StoredPackage] = ()
    ) -> None:
        """Prepare the packages; no port is open before `serve`."""
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
            # A daemon, so that a program that fails in the block can end.
            thread = Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
            thread.start()
            try:
                yield self
            finally:
                # The loop of the server looks at this in every tick.
                server.should_exit = True
                thread.join()

    def package(self, path: str) -> StoredPackage:
        """Return the package `owner/name`, to inspect or, before serving, to fill.

        Raises: KeyError, when there is none.
        """
        return self.world.packages[path]

    def add_faults(self, *faults: Fault) -> None:
        """Add faults."""
        with self.world.lock:
            self.world.faults.add(*faults)

    def clear_faults(self) -> None:
        """Remove all faults."""
        with self.world.lock:
            self.world.faults.clear()

    def perform(self, *operations: Operation) -> None:
        """Perform operations now, as another user would."""
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
        """Clear the record of calls."""
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
    """Serve until interrupted; call `started` with the address once clients can connect."""
    # The kernel accepts connections from here on, before the event loop runs.
    with socket.create_server((LOOPBACK, port), backlog=2048) as listener:
        started(f"http://{LOOPBACK}:{listener.getsockname()[1]}")
        _server(World(settings, packages)).run([listener])


class _Server(uvicorn.Server):
    """A server that stops within milliseconds, whatever is still open or hanging."""

    async def main_loop(self) -> None:
        """Serve until `should_exit` is set."""
        while not self.should_exit:  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(_TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the port and cut every connection."""
        for listener in (*self.servers, *(sockets or ())):
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the loop then calls `connection_lost` of each connection


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
