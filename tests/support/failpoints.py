"""Every boundary at which a run may die, and what makes it die there.

A boundary lies before and after each method of the ports that an apply works through, around each
write that has to be durable, and around each request that changes a registry. Nothing in the
program knows of them: they are put around it from outside, in a process that is to be killed.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import getmembers, isfunction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx

from reconciler.model import ports
from reconciler.providers.documents import DocumentReader
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.state import durable, journal_file
from reconciler.state.local import LocalRepositoryState, LocalState
from reconciler.transport.direct import DirectTransport

PORTS: Mapping[type, type] = {
    ports.Documents: DocumentReader,
    ports.Registry: GhcrRegistry,
    ports.RepositoryState: LocalRepositoryState,
    ports.State: LocalState,
}
"""The ports, and what stands behind each when an apply works on GitHub's packages."""

WRITTEN = ("_probe", "holder.json.new", "journal.jsonl", "journal.torn", "observations.json.new")
"""The files of a state that are written through to the disk."""

RENAMED = ("holder.json", "observations.json")
"""The files that are replaced as a whole."""

CHANGING = ("DELETE", "POST")
"""The requests that change a registry: a deletion, and what takes one back."""

UNREACHED: Mapping[str, str] = {
    "Documents.blobs": "asked only by `snapshot`",
    "Documents.blobs_present": "asked only by `verify`",
    "Documents.created": "asked only where a rule orders by `created`",
    "Documents.raw_manifests": "asked only by `snapshot`",
    "Documents.unread": "asked only by `diagnose`, which says what it will read",
    "Registry.deleted": "asked only by undo",
    "Registry.deletion_command": "asked only to write the message about an unreadable document",
    "Registry.effort": "asked only by a plan, for its estimate",
    "Registry.referrers": "asked only where a registry lists nothing but tags",
    "Registry.repositories": "asked only by a plan, and here it is drawn before",
    "Registry.tag": "called only by undo",
    "RepositoryState.holder": "asked only by `lock status`",
    "RepositoryState.seize": "called only by `lock break`",
    "State.repositories": "asked only by `log`",
}
"""The methods of the ports that no apply here calls, and why not."""

_READS = ("GET", "HEAD")


def methods() -> Iterator[tuple[str, type, str]]:
    """Yield each method of each port: its full name, who implements it, and its own name."""
    for port, implementation in PORTS.items():
        for name, _ in getmembers(port, isfunction):
            if not name.startswith("_"):
                yield f"{port.__name__}.{name}", implementation, name


def failpoints() -> tuple[str, ...]:
    """List every boundary that an apply passes."""
    called = [name for name, _, _ in methods() if name not in UNREACHED]
    requests = [f"HTTP {method}" for method in CHANGING]
    renames = [f"rename {name}" for name in RENAMED]
    syncs = [f"fsync {name}" for name in (*WRITTEN, "directory")]
    around = [*called, *syncs, *renames, *requests]
    return (
        *(f"{name}:{when}" for name in around for when in ("before", "after")),
        *(f"write {name}:{when}" for name in WRITTEN for when in ("before", "torn")),
    )


@dataclass
class Passages:
    """Counts how often each boundary is passed, and ends the process at one of them.

    Shape: the `nth` passage of the boundary `fatal` kills, none when it is 0. What is passed is
        written to the file `trace` too, with the number of the process.
    """

    fatal: str = ""
    nth: int = 0
    trace: Path | None = None
    _passed: Counter[str] = field(default_factory=Counter)

    def at(self, boundary: str) -> None:
        """Pass a boundary, or die."""
        if self.is_fatal(boundary):
            die()

    def is_fatal(self, boundary: str) -> bool:
        """Note a passage and tell whether it is the one to die at."""
        self._passed[boundary] += 1
        if self.trace:
            # One small write to the end of a file is never mixed with that of another process.
            with self.trace.open("ab", buffering=0) as file:
                file.write(f"{os.getpid()} {boundary}\n".encode())
        return boundary == self.fatal and self._passed[boundary] == self.nth


def die() -> None:
    """End this process as the kernel does, with no chance to tidy up."""
    os.kill(os.getpid(), signal.SIGKILL)


def install(passages: Passages) -> None:
    """Put every boundary around what this process will call."""
    for name, implementation, method in methods():
        setattr(implementation, method, around(name, getattr(implementation, method), passages))
    for owner, name, instead in (
        (durable, "os", _system(passages)),
        (journal_file, "os", _system(passages)),
        (Path, "replace", _replace(Path.replace, passages)),
        (
            DirectTransport,
            "handle_request",
            _handle_request(DirectTransport.handle_request, passages),
        ),
    ):
        setattr(owner, name, instead)


def around(name: str, real: Callable[..., Any], passages: Passages) -> Callable[..., Any]:
    """Put boundaries around a call; around the whole block, where it opens one."""

    @wraps(real)
    def call(*arguments: Any, **named: Any) -> Any:
        passages.at(f"{name}:before")
        answer = real(*arguments, **named)
        if isinstance(answer, AbstractContextManager):
            return _closing(name, answer, passages)
        passages.at(f"{name}:after")
        return answer

    return call


@contextmanager
def _closing(name: str, block: AbstractContextManager[Any], passages: Passages) -> Iterator[Any]:
    with block as opened:
        yield opened
    passages.at(f"{name}:after")


def _system(passages: Passages) -> SimpleNamespace:
    """Stand in for `os` where files are written through: its `write` may stop half-way."""

    def write(descriptor: int, content: bytes) -> int:
        name = _written(descriptor)
        passages.at(f"write {name}:before")
        if passages.is_fatal(f"write {name}:torn"):
            os.write(descriptor, content[: len(content) // 2])
            die()
        return os.write(descriptor, content)

    def fsync(descriptor: int) -> None:
        name = _written(descriptor)
        passages.at(f"fsync {name}:before")
        os.fsync(descriptor)
        passages.at(f"fsync {name}:after")

    return SimpleNamespace(**{**vars(os), "write": write, "fsync": fsync})


def _written(descriptor: int) -> str:
    """Name what a descriptor is open for, without what varies from run to run."""
    path = Path(f"/proc/self/fd/{descriptor}").readlink()
    return "directory" if path.is_dir() else path.name.partition("-")[0]


def _replace(real: Callable[[Path, Path], Path], passages: Passages) -> Callable[..., Path]:
    def replace(path: Path, target: Path) -> Path:
        passages.at(f"rename {target.name}:before")
        moved = real(path, target)
        passages.at(f"rename {target.name}:after")
        return moved

    return replace


def _handle_request(real: Callable[..., Any], passages: Passages) -> Callable[..., Any]:
    """Put boundaries around requests that change something: the second before the answer counts."""

    def handle_request(transport: DirectTransport, request: httpx.Request) -> httpx.Response:
        if request.method not in _READS:
            passages.at(f"HTTP {request.method}:before")
        response: httpx.Response = real(transport, request)
        if request.method not in _READS:
            passages.at(f"HTTP {request.method}:after")
        return response

    return handle_request
