"""What a backend offers to hold a state as named objects: reads, and conditional writes.

The condition is what keeps two writers apart, so it must hold on the server, also when both come
at the same instant. Everything else is built on it: the lock is one object that only its last
reader may replace, and the journal grows by objects that only one writer can create.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.errors import StateError
from reconciler.model.ports import Clock

_WHY = (
    "Without that two runs could delete at once. Use a store that has conditional writes, or "
    "keep the state elsewhere with `--state`."
)

LEASE_SECONDS = 120.0
"""How long a lock is held without being renewed, in seconds."""

CLOCK_SKEW_SECONDS = 30.0
"""How much the clocks of two machines may differ, in seconds."""

REQUEST_SECONDS = 70.0
"""Longest time a request to a registry may still take effect after it was sent, in seconds."""

_TRUSTED_PART = 0.6
"""The part of a lease after which its holder does nothing more before it has renewed it."""

_BEATS = 3
"""How often in one lease its holder renews it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as it was read. Shape: `version` changes with every write."""

    content: bytes
    version: str


class Store(Protocol):
    """Named objects. Every method raises StateError where the backend does not answer."""

    @property
    def place(self) -> str:
        """Where it is, for people; never with a credential."""

    def get(self, name: str) -> Stored | None:
        """Read an object as it is now; None where there is none."""

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read objects that are never replaced, in the order of their names here."""

    def names(self, folder: str) -> Sequence[str]:
        """List the names that begin with a folder's, sorted, as they are now."""

    def create(self, name: str, content: bytes) -> str | None:
        """Write an object that does not exist; return its version, None where it exists."""

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Write in the place of one version; return the new one, None where it is another."""

    def check(self) -> None:
        """Prove that objects can be written now, and that the conditions hold.

        Raises: StateError, saying which does not.
        """


def put(store: Store, name: str, content: bytes, before: Stored | None) -> str | None:
    """Write an object in the place of what was read; return its version, None if it changed since.

    A write whose answer was lost may have been sent again, and then be refused for what it wrote
    itself. So the content must be the writer's own: nobody else may write the same.
    """
    if before is None:
        version = store.create(name, content)
    else:
        version = store.replace(name, content, before.version)
    if version is None:
        current = store.get(name)
        version = current.version if current and current.content == content else None
    return version


def missing(store: Store, name: str) -> StateError:
    """Say that an object is gone which was there a moment ago."""
    return StateError(
        f"{store.place}/{name} is gone",
        hint="Something else removes objects there, such as a lifecycle rule: put it back.",
    )


def probe(store: Store, name: str) -> None:
    """Write an object of this name under every condition; it stays behind.

    Raises: StateError, naming the condition that the store does not keep.
    """
    first = store.create(name, b"first")
    if first is None:
        raise StateError(f"{store.place}: what does not exist counts as there", hint=_WHY)
    if store.create(name, b"again") is not None:
        raise _broken(store, "If-None-Match: it overwrites what exists")
    second = store.replace(name, b"second", first)
    if second is None:
        raise _broken(store, "If-Match: it refuses to replace what it was told of")
    if store.replace(name, b"third", first) is not None:
        raise _broken(store, "If-Match: it overwrites what has changed since")
    stored = store.get(name)
    if stored is None or stored.content != b"second":
        raise StateError(f"{store.place}: a write that was confirmed cannot be read", hint=_WHY)


def _broken(store: Store, what: str) -> StateError:
    return StateError(f"{store.place} does not keep the condition {what}", hint=_WHY)


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """The terms of a lease. Units: seconds."""

    lease: float = LEASE_SECONDS
    margin: float = CLOCK_SKEW_SECONDS + REQUEST_SECONDS

    @property
    def trusted(self) -> float:
        """How long a holder relies on its last renewal."""
        return self.lease * _TRUSTED_PART

    @property
    def beat(self) -> float:
        """How long after a renewal the next one is due."""
        return self.lease / _BEATS

    def free_from(self, lease_until: datetime) -> datetime:
        """Say when others may take the lock, if it is not renewed.

        By then whatever its holder had sent has come to an end.
        """
        return lease_until + timedelta(seconds=self.margin)


@dataclass(frozen=True, slots=True)
class Times:
    """A clock that machines share, and a steady one of this machine, in seconds."""

    now: Clock
    monotonic: Callable[[], float] = time.monotonic
