"""The boundaries at which a run may die that keeps its state on a server."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from inspect import getmembers, isfunction

from reconciler.model import ports
from reconciler.state.buckets import Bucket
from reconciler.state.objects import ObjectState
from reconciler.state.postgresql import PostgresState, _Row, _Rows
from reconciler.state.remote import RemoteRepositoryState
from reconciler.state.store import LeaseTiming
from tests.support.failpoints import UNREACHED, Passages, around

STATES: Mapping[str, type] = {"s3": ObjectState, "postgresql": PostgresState}
"""The backends, and what stands behind the port of each."""

WRITES: Mapping[str, Mapping[str, tuple[type, str]]] = {
    "s3": {"create": (Bucket, "create"), "replace": (Bucket, "replace")},
    "postgresql": {"insert": (_Rows, "write"), "note": (_Row, "write")},
}
"""What each of them writes with, by name."""

REQUESTS = ("HTTP DELETE", "HTTP POST")


def remote_failpoints(backend: str) -> tuple[str, ...]:
    """List every boundary that an apply passes."""
    names = [name for name, _, _ in _calls(backend)]
    return tuple(f"{name}:{when}" for name in (*names, *REQUESTS) for when in ("before", "after"))


def install_remote(passages: Passages, backend: str) -> None:
    """Put every boundary around what this process will call.

    A lease is taken over at once, as if much time had passed since its holder was killed.
    """
    for name, owner, method in _calls(backend):
        setattr(owner, method, around(name, getattr(owner, method), passages))
    setattr(LeaseTiming, "free_from", lambda *_: datetime(2000, 1, 1, tzinfo=UTC))  # noqa: B010 - a patch


def _calls(backend: str) -> Iterator[tuple[str, type, str]]:
    owners = {ports.RepositoryState: RemoteRepositoryState, ports.State: STATES[backend]}
    for port, owner in owners.items():
        for method, _ in getmembers(port, isfunction):
            name = f"{port.__name__}.{method}"
            if not method.startswith("_") and name not in UNREACHED:
                yield name, owner, method
    for name, (owner, method) in WRITES[backend].items():
        yield f"write {name}", owner, method
