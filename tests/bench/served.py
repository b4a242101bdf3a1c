"""A sandbox in a process of its own, so that its work is not measured with the client's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

import httpx

from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import serve_forever
from reconciler.sandbox.settings import SandboxSettings
from reconciler.sandbox.world import RecordedCall

Fill = Callable[[], StoredPackage | Sequence[StoredPackage]]
"""Makes what is served."""


@dataclass(frozen=True, slots=True)
class Served:
    """A sandbox that runs elsewhere, and its record of calls."""

    url: str

    @property
    def host(self) -> str:
        """Where both the API and the registry answer."""
        return self.url.partition("//")[2]

    @property
    def requests(self) -> Sequence[RecordedCall]:
        """Every call since the record was last begun anew."""
        response = httpx.get(f"{self.url}/_sandbox/requests", timeout=60)
        return [RecordedCall(**seen) for seen in response.raise_for_status().json()]

    def forget_requests(self) -> None:
        """Begin the record of calls anew."""
        httpx.delete(f"{self.url}/_sandbox/requests").raise_for_status()


@contextmanager
def served(fill: Fill, settings: SandboxSettings) -> Iterator[Served]:
    """Serve one package, or several, until the block ends. Shape: `fill` can be pickled."""
    context = get_context("spawn")
    told, telling = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(fill, settings, telling), daemon=True)
    process.start()
    telling.close()  # so that a server that cannot start ends the wait
    try:
        yield Served(told.recv())
    finally:
        process.terminate()
        process.join()


def _serve(fill: Fill, settings: SandboxSettings, telling: "Connection[str, None]") -> None:
    filled = fill()
    packages = [filled] if isinstance(filled, StoredPackage) else filled
    serve_forever(settings, packages, started=telling.send)
