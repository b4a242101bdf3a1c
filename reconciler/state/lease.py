"""A lock with a lease, as an object in a store: taken and renewed by conditional writes.

The run that last replaced the object holds the lock; each write increments its generation. The
holder renews it in a thread. After the lease and a margin, the lock of a dead holder is free for
any run. A holder that was only paused notices, before its next step, that the object has changed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Literal

from pydantic import ValidationError

from reconciler.errors import LockedError, StateError
from reconciler.events import log
from reconciler.model.base import Frozen
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.lock_file import lock_lost, lock_refused, not_the_holder, without_lock
from reconciler.state.store import LeaseTiming, Store, Stored, Times, put


class LockRecord(Frozen):
    """The content of the object: who holds the lock until when, or that it is free."""

    gen: int
    state: Literal["held", "free"]
    run: str
    who: str
    where: str
    process: int
    since: datetime
    lease_until: datetime

    @property
    def holder(self) -> Holder:
        """The holder in this record."""
        return Holder(self.run, self.who, self.where, self.since, self.process)


@dataclass(frozen=True, slots=True)
class _StoredLock:
    """The object as read."""

    record: LockRecord
    stored: Stored


@dataclass(frozen=True, slots=True)
class _Lease:
    """The object as this run wrote it, and when the write began. Units: `monotonic` in seconds."""

    record: LockRecord
    stored: Stored
    wall: datetime
    monotonic: float


class LeaseLock:
    """The lock of one repository."""

    def __init__(
        self, repository: Repository, store: Store, name: str, timing: LeaseTiming, times: Times
    ) -> None:
        """Use the lock object `name`; nothing is sent yet."""
        self._repository = repository
        self._store = store
        self._name = name
        self._timing = timing
        self._times = times
        self._lease: _Lease | None = None
        self._mutex = Lock()

    @property
    def is_locked(self) -> bool:
        """Whether this object has taken the lock and not released it."""
        return self._lease is not None

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[Holder | None]:
        """Hold the lock for a `with` block; yield the dead holder it was taken over from, if any.

        Raises: LockedError, with the holder.
        """
        current = self._read()
        if current and self._counts(current.record):
            raise self._refusal(current)
        self._take(holder, current)
        # Held, but its lease has expired: the holder died, or is paused.
        abandoned = current is not None and current.record.state == "held"
        with self._holding():
            yield current.record.holder if current and abandoned else None

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Break the lock of a run and hold it for a `with` block.

        Raises: LockedError, when that run does not hold the lock.
        """
        current = self._read()
        if current is None or current.record.state == "free" or current.record.run != run:
            raise not_the_holder(self._repository, run)
        self._take(holder, current)
        with self._holding():
            yield

    def confirm(self) -> None:
        """Check in the store that the lock is still held; renew it when it is getting old.

        Raises: StateError, when it was never taken; LockedError, when it was lost since.
        """
        with self._mutex:
            if self._lease is None:
                raise without_lock(self._repository)
            current = self._store.get(self._name)
            # Any other content was written by a new holder, or by `reconciler lock break`.
            if current is None or current.content != self._lease.stored.content:
                raise lock_lost(self._repository)
            if self._is_old(self._lease):
                self._renew(self._lease)

    def holder(self) -> Holder | None:
        """Return the current holder; None if the lock is free."""
        current = self._read()
        return current.record.holder if current and self._counts(current.record) else None

    def renew(self) -> None:
        """Extend the lease.

        Raises: LockedError, when the lock was lost; StateError, when that is unknown.
        """
        with self._mutex:
            if self._lease:
                self._renew(self._lease)

    def _read(self) -> _StoredLock | None:
        stored = self._store.get(self._name)
        if stored is None:
            return None
        try:
            return _StoredLock(LockRecord.model_validate_json(stored.content), stored)
        except ValidationError as error:
            place = f"{self._store.place}/{self._name}"
            raise StateError(
                f"{place} is damaged: the lock holder is unknown",
                hint="When no run is in progress, remove it: the next run creates it again.",
            ) from error

    def _counts(self, record: LockRecord) -> bool:
        """Whether a record excludes other runs, by the clock of this machine."""
        return record.state == "held" and self._times.now() < self._timing.free_from(
            record.lease_until
        )

    def _take(self, holder: Holder, current: _StoredLock | None) -> None:
        with self._mutex:
            # The write succeeds only if the object is still as read: of two runs, one is refused.
            if self._lease or not self._write(
                holder, current.record.gen if current else 0, current
            ):
                raise self._refusal(self._read())

    def _renew(self, lease: _Lease) -> None:
        before = _StoredLock(lease.record, lease.stored)
        if not self._write(lease.record.holder, lease.record.gen, before):
            raise lock_lost(self._repository)

    def _write(self, holder: Holder, gen: int, before: _StoredLock | None) -> bool:
        """Write the lock with a new holder; return whether it is held now."""
        # Read before the request: the lease counts from its beginning, however long it takes.
        wall, monotonic = self._times.now(), self._times.monotonic()
        record = LockRecord(
            # Makes the content unique, by which `put` recognizes a write of its own.
            gen=gen + 1,
            state="held",
            run=holder.run,
            who=holder.who,
            where=holder.where,
            process=holder.process or os.getpid(),
            since=holder.since,
            lease_until=wall + timedelta(seconds=self._timing.lease),
        )
        stored = self._put(record, before.stored if before else None)
        if stored is None:
            return False
        self._lease = _Lease(record, stored, wall, monotonic)
        return True

    def _put(self, record: LockRecord, before: Stored | None) -> Stored | None:
        content = record.model_dump_json().encode()
        version = put(self._store, self._name, content, before)
        return Stored(content, version) if version is not None else None

    def _is_old(self, lease: _Lease) -> bool:
        """Whether the lease must be renewed, by either clock: one stops while a machine sleeps."""
        passed = (self._times.now() - lease.wall).total_seconds()
        steadily = self._times.monotonic() - lease.monotonic
        # A negative time means that the wall clock was set back: how old the lease is, is unknown.
        return not (0 <= passed <= self._timing.trusted and steadily <= self._timing.trusted)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        try:
            with renewing(self.renew, self._timing.renew_after):
                yield
        finally:
            # An error in the block matters more: if the release fails, the lease expires.
            with suppress(StateError), self._mutex:
                # First of all, so that this object does not count as locked when the write fails.
                lease, self._lease = self._lease, None
                if lease:
                    free = lease.record.model_copy(
                        update={"gen": lease.record.gen + 1, "state": "free"}
                    )
                    self._put(free, lease.stored)

    def _refusal(self, current: _StoredLock | None) -> LockedError:
        if current is None or current.record.state == "free":
            return lock_refused(self._repository, None)
        until = self._timing.free_from(current.record.lease_until)
        return lock_refused(self._repository, current.record.holder, until)


@contextmanager
def renewing(renew: Callable[[], None], seconds: float) -> Iterator[None]:
    """Call `renew` every so many seconds until the block ends.

    A failure is only logged: the holder confirms the lock before each step.
    """
    over = Event()
    thread = Thread(target=_renew_until, args=(renew, seconds, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        # Otherwise a renewal could follow the release, and take the lock again.
        thread.join()


def _renew_until(renew: Callable[[], None], seconds: float, over: Event) -> None:
    while not over.wait(seconds):
        try:
            renew()
        # The lock does not come back. `confirm` reports its loss before the next step.
        except LockedError:
            return
        except StateError as error:
            log.warning("lease_not_renewed", error=str(error))
