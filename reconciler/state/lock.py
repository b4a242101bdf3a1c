"""The lock of one repository: the kernel's, with a record beside it of who holds it.

The kernel lets go when its holder dies, however it dies; a record left behind by a killed run
means nothing, since it counts only while the kernel lock is held.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout
from pydantic import ValidationError

from reconciler.errors import LockedError, StateError
from reconciler.model.frozen import Frozen
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.durable import make_directory, replace, state_errors

_GLANCE_SECONDS = 0.25
"""Patience of an attempt: somebody who only looks whether it is held lets go much sooner."""


class HolderRecord(Frozen):
    """What the holder says of itself, for those who find the lock held."""

    run: str
    who: str
    where: str
    since: datetime
    pid: int

    def __str__(self) -> str:
        return (
            f"run {self.run} ({self.who} on {self.where}, process {self.pid}) "
            f"since {self.since:%Y-%m-%d %H:%M:%S} UTC"
        )


class RepositoryLock:
    """The lock of one repository. `held` tells whether this very object holds it."""

    def __init__(self, repository: Repository, directory: Path) -> None:
        """Remember where the lock is; nothing is created yet."""
        self._repository = repository
        self._path = directory / "lock"
        self._record = directory / "holder.json"
        self.held = False

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for the length of a `with` block; it is not reentrant.

        Raises: LockedError, naming the holder.
        """
        with self._acquired():
            self._sign(holder)
            self.held = True
            try:
                yield
            finally:
                self.held = False
                # What went wrong inside matters more than a record that means nothing by now.
                with suppress(OSError):
                    self._record.unlink()

    def holder(self) -> Holder | None:
        """Tell who holds the lock now, by trying to take it."""
        # Trying would create it, and who only reads creates nothing.
        if not self._path.exists():
            return None
        with state_errors("look at", self._path):
            try:
                with self._kernel_lock().acquire(timeout=0):
                    return None
            except Timeout:
                pass
        record = self._recorded()
        if record is None:
            return None
        return Holder(record.run, record.who, record.where, record.since)

    def _acquired(self) -> AbstractContextManager[object]:
        with state_errors("lock", self._path):
            make_directory(self._path.parent)
            try:
                return self._kernel_lock().acquire(timeout=_GLANCE_SECONDS, poll_interval=0.01)
            except Timeout:
                raise self._refusal() from None

    def _kernel_lock(self) -> BaseFileLock:
        """Make a new lock object, so that two in one process exclude each other as well.

        Where the kernel has no locks, it fails: a lock made of files would outlive its holder.
        """
        return FileLock(self._path, fallback_to_soft=False)

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
                return HolderRecord.model_validate_json(self._record.read_bytes())
            except FileNotFoundError:
                return None
            except ValidationError as error:
                raise StateError(f"{self._record} does not say who holds the lock") from error

    def _refusal(self) -> LockedError:
        holder = self._recorded() or "a run that has not given its name yet"
        return LockedError(
            f"{self._repository}: the lock is held by {holder}",
            hint="Wait for that run to end, then run again. If it hangs, stop its process: "
            "the lock goes with it.",
        )
