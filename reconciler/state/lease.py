"""A lock that is an object in a store: taken and renewed by conditional writes, for a time.

Whoever replaces the object last holds the lock; each write has the number of the one before plus
one. Its holder renews it from its own thread. The lock of a dead holder passes to the first who
asks after its time and a margin are over. A holder that was only paused finds, before its next
step, that the object is no longer as it wrote it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import Literal

import structlog
from pydantic import ValidationError

from reconciler.errors import LockedError, StateError
from reconciler.model.base import Frozen
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.lock_file import lost, not_the_holder, refusal, without_lock
from reconciler.state.store import LeaseTiming, Store, Stored, Times, put

_log = structlog.get_logger()


class LockRecord(Frozen):
    """What the object says: who holds the lock until when, or that nobody does."""

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
        """Whom it names."""
        return Holder(self.run, self.who, self.where, self.since, self.process)


@dataclass(frozen=True, slots=True)
class _StoredLock:
    """The object as it was read."""

    record: LockRecord
    stored: Stored


@dataclass(frozen=True, slots=True)
class _HeldLock:
    """The object as we wrote it, and when we began to. Units: `monotonic` in seconds."""

    record: LockRecord
    stored: Stored
    wall: datetime
    monotonic: float


class LeaseLock:
    """The lock of one repository."""

    def __init__(
        self, repository: Repository, store: Store, name: str, terms: LeaseTiming, times: Times
    ) -> None:
        """Remember where the lock is; nothing is sent yet."""
        self._repository = repository
        self._store = store
        self._name = name
        self._terms = terms
        self._times = times
        self._tenure: _HeldLock | None = None
        self._turn = Lock()

    @property
    def is_held(self) -> bool:
        """Whether this very object took it and has not let go."""
        return self._tenure is not None

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[Holder | None]:
        """Hold it for a `with` block, which is given whom it was taken over from, if anybody.

        Raises: LockedError, naming the holder.
        """
        current = self._read()
        if current and self._counts(current.record):
            raise self._refusal(current)
        self._take(holder, current)
        abandoned = current is not None and current.record.state == "held"
        with self._holding():
            yield current.record.holder if current and abandoned else None

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Take it away from a run and hold it instead, for the length of a `with` block.

        Raises: LockedError, when that run does not hold it.
        """
        current = self._read()
        if current is None or current.record.state == "free" or current.record.run != run:
            raise not_the_holder(self._repository, run)
        self._take(holder, current)
        with self._holding():
            yield

    def confirm(self) -> None:
        """Make sure that it is held still, by looking; renew it when it is getting old.

        Raises: StateError, where it was never taken; LockedError, where it was lost since.
        """
        with self._turn:
            if self._tenure is None:
                raise without_lock(self._repository)
            current = self._store.get(self._name)
            if current is None or current.content != self._tenure.stored.content:
                raise lost(self._repository)
            if self._is_old(self._tenure):
                self._renew(self._tenure)

    def holder(self) -> Holder | None:
        """Tell who holds it now; None if nobody does."""
        current = self._read()
        return current.record.holder if current and self._counts(current.record) else None

    def renew(self) -> None:
        """Begin the time anew.

        Raises: LockedError, when it was lost; StateError, when that is not known.
        """
        with self._turn:
            if self._tenure:
                self._renew(self._tenure)

    def _read(self) -> _StoredLock | None:
        stored = self._store.get(self._name)
        if stored is None:
            return None
        try:
            return _StoredLock(LockRecord.model_validate_json(stored.content), stored)
        except ValidationError as error:
            place = f"{self._store.place}/{self._name}"
            raise StateError(
                f"{place} does not say who holds the lock",
                hint="Once no run is under way, remove it: the next run writes another.",
            ) from error

    def _counts(self, record: LockRecord) -> bool:
        """Whether a record keeps others out, by the time of this machine."""
        return record.state == "held" and self._times.now() < self._terms.free_from(
            record.lease_until
        )

    def _take(self, holder: Holder, current: _StoredLock | None) -> None:
        with self._turn:
            if self._tenure or not self._write(
                holder, current.record.gen if current else 0, current
            ):
                raise self._refusal(self._read())

    def _renew(self, tenure: _HeldLock) -> None:
        before = _StoredLock(tenure.record, tenure.stored)
        if not self._write(tenure.record.holder, tenure.record.gen, before):
            raise lost(self._repository)

    def _write(self, holder: Holder, gen: int, before: _StoredLock | None) -> bool:
        """Write that a holder has it from now on; tell whether it does."""
        wall, monotonic = self._times.now(), self._times.monotonic()
        record = LockRecord(
            gen=gen + 1,
            state="held",
            run=holder.run,
            who=holder.who,
            where=holder.where,
            process=holder.process or os.getpid(),
            since=holder.since,
            lease_until=wall + timedelta(seconds=self._terms.lease),
        )
        stored = self._put(record, before.stored if before else None)
        if stored is None:
            return False
        self._tenure = _HeldLock(record, stored, wall, monotonic)
        return True

    def _put(self, record: LockRecord, before: Stored | None) -> Stored | None:
        content = record.model_dump_json().encode()
        version = put(self._store, self._name, content, before)
        return Stored(content, version) if version is not None else None

    def _is_old(self, tenure: _HeldLock) -> bool:
        """Whether it is time to renew, by either clock: a machine that slept stops one of them."""
        passed = (self._times.now() - tenure.wall).total_seconds()
        steadily = self._times.monotonic() - tenure.monotonic
        return not (0 <= passed <= self._terms.trusted and steadily <= self._terms.trusted)

    @contextmanager
    def _holding(self) -> Iterator[None]:
        try:
            with beating(self.renew, self._terms.beat):
                yield
        finally:
            # What went wrong inside matters more: unless it is let go, its time runs out.
            with suppress(StateError):
                self._let_go()

    def _let_go(self) -> None:
        with self._turn:
            tenure, self._tenure = self._tenure, None
            if tenure:
                free = tenure.record.model_copy(
                    update={"gen": tenure.record.gen + 1, "state": "free"}
                )
                self._put(free, tenure.stored)

    def _refusal(self, current: _StoredLock | None) -> LockedError:
        if current is None or current.record.state == "free":
            return refusal(self._repository, None)
        until = self._terms.free_from(current.record.lease_until)
        return refusal(self._repository, current.record.holder, until)


@contextmanager
def beating(beat: Callable[[], None], seconds: float) -> Iterator[None]:
    """Beat every so many seconds until the block ends.

    A beat that fails is only told of: whoever relies on it looks before its next step.
    """
    over = Event()
    thread = Thread(target=_beat, args=(beat, seconds, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(beat: Callable[[], None], seconds: float, over: Event) -> None:
    while not over.wait(seconds):
        try:
            beat()
        except LockedError:
            return
        except StateError as error:
            _log.warning("lease_not_renewed", error=str(error))
