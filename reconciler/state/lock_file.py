"""The lock of one repository: a kernel lock on a file, and a record of its holder.

The kernel releases the lock when its holder dies, however it dies. The record of a killed run has
no effect, since it counts only while the kernel lock is held. A kernel lock cannot be taken from a
running process, so breaking one replaces the locked file by a new one, which the holder of the old
file notices before its next step.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from reconciler.errors import LockedError, StateError
from reconciler.model.base import Frozen
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.durable import (
    PRIVATE_FILE,
    make_directory,
    read_private,
    replace,
    state_errors,
)

_GLANCE_SECONDS = 0.25
"""How long to try for the lock, in seconds: `holder` of another process takes it for less."""

_ATTEMPTS = 4
"""Attempts while the holder has no record: it is about to write it, or to release the lock."""


class HolderRecord(Frozen):
    """The record of the holder, for other runs that find the lock held."""

    run: str
    who: str
    where: str
    since: datetime
    pid: int

    @property
    def holder(self) -> Holder:
        """The holder in this record."""
        return Holder(self.run, self.who, self.where, self.since, self.pid)


class RepositoryLock:
    """The lock of one repository. `is_locked` is whether this object holds it."""

    def __init__(self, repository: Repository, directory: Path) -> None:
        """Use the lock in a directory; nothing is created yet."""
        self._repository = repository
        self._path = directory / "lock"
        self._record = directory / "holder.json"
        self._locked: tuple[int, int] | None = None
        """The file that the kernel has locked for this object, by device and inode."""

        self.is_locked = False

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for a `with` block; it is not reentrant.

        Raises: LockedError, with the holder.
        """
        with self._acquired(self._path):
            self._sign(holder)
            with self._holding():
                yield

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Break the lock of a run and hold it for a `with` block.

        Raises: LockedError, when that run does not hold the lock.
        """
        # The lock on this file excludes other calls of `seize` until it is in its place.
        fresh = self._path.with_name("lock.new")
        with self._acquired(fresh):
            record = self._recorded()
            if record is None or record.run != run:
                raise not_the_holder(self._repository, run)
            # The record is written first, so that a second `seize` for the same run is refused.
            self._sign(holder)
            with state_errors("break", self._path):
                fresh.replace(self._path)
            with self._holding():
                yield

    def confirm(self) -> None:
        """Check that this object still holds the lock.

        Raises: StateError, when it was never taken; LockedError, when it was broken since.
        """
        if not self.is_locked:
            raise without_lock(self._repository)
        with state_errors("read", self._path):
            # A broken lock has another file in its place.
            in_place = self._is_in_place()
        if not in_place:
            raise lock_lost(self._repository)

    def holder(self) -> Holder | None:
        """Return the current holder, None if the lock is free; found out by trying to take it."""
        # Trying would create the file, and a command that only reads must create nothing.
        if not self._path.exists():
            return None
        with state_errors("read", self._path):
            try:
                with FileLock(self._path, fallback_to_soft=False).acquire(timeout=0):
                    return None
            except Timeout:
                pass
        record = self._recorded()
        return record.holder if record else None

    def _acquired(self, path: Path) -> AbstractContextManager[object]:
        """Take the kernel lock on a file, and remember which file that was."""
        # A new lock object each time, so that two in one process exclude each other, too. Without
        # kernel locks this fails: a lock by the existence of a file would outlive its holder.
        with state_errors("lock", path):
            make_directory(path.parent)
            lock = FileLock(
                path, mode=PRIVATE_FILE, fallback_to_soft=False, on_acquired=self._remember
            )
            for _ in range(_ATTEMPTS):
                try:
                    return lock.acquire(timeout=_GLANCE_SECONDS, poll_interval=0.01)
                except Timeout:
                    record = self._recorded()
                # Without a record, the holder is about to write it, or to release the lock.
                if record:
                    break
            raise lock_refused(self._repository, record.holder if record else None)

    def _remember(self, descriptor: int) -> None:
        self._locked = _identity(os.fstat(descriptor))

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self.is_locked = True
        try:
            yield
        finally:
            self.is_locked = False
            # An error in the block matters more than a record that no longer has an effect.
            with suppress(OSError):
                # After a break, the record is that of the new holder.
                if self._is_in_place():
                    self._record.unlink()

    def _is_in_place(self) -> bool:
        """Whether the locked file is still the one that other runs try to lock."""
        try:
            return _identity(self._path.stat()) == self._locked
        except FileNotFoundError:
            return False

    def _sign(self, holder: Holder) -> None:
        record = HolderRecord(
            run=holder.run,
            who=holder.who,
            where=holder.where,
            since=holder.since,
            pid=os.getpid(),
        )
        with state_errors("write", self._record):
            replace(self._record, record.model_dump_json().encode())

    def _recorded(self) -> HolderRecord | None:
        with state_errors("read", self._record):
            try:
                return HolderRecord.model_validate_json(read_private(self._record))
            except FileNotFoundError:
                return None
            except ValidationError as error:
                raise StateError(
                    f"{self._record} is damaged: the lock holder is unknown"
                ) from error


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def lock_refused(
    repository: Repository, holder: Holder | None, until: datetime | None = None
) -> LockedError:
    """Build the error for a lock held by another run; `until` is when an unrenewed lease is free.

    Without a holder, the other run took the lock a moment ago and has not written its record yet.
    """
    known = holder_text(holder) if holder else "a run that has just started"
    if until is None:
        advice = "If it hangs, stop its process, which releases the lock."
    else:
        advice = f"If it died, the lock is free from {until:%Y-%m-%d %H:%M:%S} UTC on."
    return LockedError(
        f"{repository}: the lock is held by {known}",
        hint=f"Wait for that run to end, then run again. {advice} "
        "If that takes too long, see `reconciler lock break --help`.",
    )


def holder_text(holder: Holder) -> str:
    """Describe a holder: run, user, host, process and start."""
    process = f", process {holder.process}" if holder.process else ""
    return (
        f"run {holder.run} ({holder.who} on {holder.where}{process}) "
        f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    )


def without_lock(repository: Repository) -> StateError:
    """Build the error for a write without the lock."""
    return StateError(f"{repository}: the state must not be written without its lock")


def lock_lost(repository: Repository) -> LockedError:
    """Build the error for a lock that this run held and lost."""
    return LockedError(
        f"{repository}: the lock of this run was broken or removed, so it stops",
        hint="The next run completes what this run had begun.",
    )


def not_the_holder(repository: Repository, run: str) -> LockedError:
    """Build the error for breaking a lock that the run does not hold."""
    return LockedError(
        f"{repository}: run {run} does not hold the lock",
        hint="`reconciler lock status` shows the current holder.",
    )
