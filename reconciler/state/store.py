"""The port of backends that store named objects, with conditional writes, and a test of them.

Conditional writes exclude a second writer, so the server must check the condition atomically. Lock
and journal are built on them: the lock is an object that is replaced only if it has not changed
since it was read, and only one writer can create the next object of the journal.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from reconciler.errors import StateError
from reconciler.model.ports import Clock

_WHY = (
    "Without conditional writes, two runs could delete at the same time. Use a store that supports "
    "them, or keep the state elsewhere with `--state`."
)

LEASE_SECONDS = 120.0
"""How long a lock lasts without renewal, in seconds: the wait after a run that died."""

CLOCK_SKEW_SECONDS = 30.0
"""Largest difference between the clocks of two machines, in seconds; NTP keeps far below."""

REQUEST_SECONDS = 70.0
"""Longest time after which a request to a registry may still take effect, in seconds."""

_TRUSTED_PART = 0.6
"""The part of a lease after which its holder must renew it before its next step."""

_RENEWALS = 3
"""How often a lease is renewed before it expires: two renewals may fail."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as read. Shape: `version` changes with every write."""

    content: bytes
    version: str


class Store(Protocol):
    """Named objects. Every method raises StateError when the backend fails."""

    @property
    def place(self) -> str:
        """Where it is, for messages, without credentials."""

    def get(self, name: str) -> Stored | None:
        """Read an object as it is now; None if it does not exist."""

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read objects that are never replaced, in the order of `names`."""

    def names(self, folder: str) -> Sequence[str]:
        """List the names that begin with `folder`, sorted, as they are now."""

    def create(self, name: str, content: bytes) -> str | None:
        """Create an object; return its version, None if it exists already."""

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Replace one version of an object; return the new version, None if it was changed."""

    def check(self) -> None:
        """Check that objects can be written now, and that the conditions are honoured.

        Raises: StateError, with the condition that is not.
        """


def put(store: Store, name: str, content: bytes, before: Stored | None) -> str | None:
    """Replace what was read, or create; return the new version, None if the object was changed.

    Shape: `content` is unique to this writer.
    """
    if before is None:
        version = store.create(name, content)
    else:
        version = store.replace(name, content, before.version)
    if version is None:
        # A client library may have retried a write whose response was lost, and the retry is
        # refused because of the first: the content shows that it was this write.
        current = store.get(name)
        version = current.version if current and current.content == content else None
    return version


def object_missing(store: Store, name: str) -> StateError:
    """Build the error for an object that was listed and has disappeared."""
    return StateError(
        f"{store.place}/{name} was removed",
        hint="Restore it, and stop what removes objects there, such as a lifecycle rule.",
    )


def probe(store: Store, name: str) -> None:
    """Write an object under every condition, to test the store; the caller deletes it.

    Raises: StateError, with the condition that the store does not honour.
    """
    first = store.create(name, b"first")
    if first is None:
        raise StateError(
            f"{store.place}: creating a new object failed: the store reports that it exists",
            hint=_WHY,
        )
    if store.create(name, b"again") is not None:
        raise _broken(store, "If-None-Match: it overwrites an existing object")
    second = store.replace(name, b"second", first)
    if second is None:
        raise _broken(store, "If-Match: it refuses to replace an unchanged object")
    if store.replace(name, b"third", first) is not None:
        raise _broken(store, "If-Match: it overwrites a changed object")
    stored = store.get(name)
    if stored is None or stored.content != b"second":
        raise StateError(f"{store.place}: a confirmed write cannot be read back", hint=_WHY)


def _broken(store: Store, what: str) -> StateError:
    return StateError(f"{store.place} does not honour the condition {what}", hint=_WHY)


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """The times of a lease. Units: seconds."""

    lease: float = LEASE_SECONDS
    margin: float = CLOCK_SKEW_SECONDS + REQUEST_SECONDS

    @property
    def trusted(self) -> float:
        """How long a holder may rely on its last renewal."""
        return self.lease * _TRUSTED_PART

    @property
    def renew_after(self) -> float:
        """The time between two renewals."""
        return self.lease / _RENEWALS

    def free_from(self, lease_until: datetime) -> datetime:
        """Return when other runs may take the lock, if it is not renewed.

        By then, no request of its holder can still take effect.
        """
        return lease_until + timedelta(seconds=self.margin)


@dataclass(frozen=True, slots=True)
class Times:
    """A wall clock, and a monotonic clock of this machine, in seconds."""

    now: Clock
    monotonic: Callable[[], float] = time.monotonic
