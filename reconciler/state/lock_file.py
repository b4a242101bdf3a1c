"""The lock of one repository: the kernel's, with a record beside it of who holds it.

The kernel releases it when its holder dies, however it dies; a record left behind by a killed run
means nothing, since it counts only while the kernel lock is held. Nobody can take a kernel lock
from a process that lives, so breaking one puts a new file in the place of the locked one: whoever
holds the old file sees that before its next step.
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
"""Patience of an attempt: somebody who only looks whether it is held lets go much sooner."""

_ATTEMPTS = 4
"""Attempts on a lock whose holder has no record: it begins or ends, which takes a moment."""


class HolderRecord(Frozen):
    """What the holder says of itself, for those who find the lock held."""

    run: str
    who: str
    where: str
    since: datetime
    pid: int

    @property
    def holder(self) -> Holder:
        """Whom it names."""
        return Holder(self.run, self.who, self.where, self.since, self.pid)


class RepositoryLock:
    """The lock of one repository. `held` tells whether this very object holds it."""

    def __init__(self, repository: Repository, directory: Path) -> None:
        """Remember where the lock is; nothing is created yet."""
        self._repository = repository
        self._path = directory / "lock"
        self._record = directory / "holder.json"
        self._locked: tuple[int, int] | None = None
        """The file that the kernel has locked for this object, by device and inode."""

        self.held = False

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for the length of a `with` block; it is not reentrant.

        Raises: LockedError, naming the holder.
        """
        with self._acquired(self._path):
            self._sign(holder)
            with self._holding():
                yield

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Take the lock away from a run and hold it instead, for the length of a `with` block.

        Raises: LockedError, when that run does not hold it.
        """
        fresh = self._path.with_name("lock.new")
        with self._acquired(fresh):
            self._require_holder(run)
            # Signed first, so that somebody who breaks the same lock finds another holder.
            self._sign(holder)
            with state_errors("break", self._path):
                fresh.replace(self._path)
            with self._holding():
                yield

    def confirm(self) -> None:
        """Make sure that this object holds the lock still.

        Raises: StateError, where it never did; LockedError, where the lock was broken since.
        """
        if not self.held:
            raise without_lock(self._repository)
        with state_errors("look at", self._path):
            in_place = self._is_in_place()
        if not in_place:
            raise lost(self._repository)

    def holder(self) -> Holder | None:
        """Tell who holds the lock now, by trying to take it."""
        # Trying would create it, and who only reads creates nothing.
        if not self._path.exists():
            return None
        with state_errors("look at", self._path):
            try:
                with FileLock(self._path, fallback_to_soft=False).acquire(timeout=0):
                    return None
            except Timeout:
                pass
        record = self._recorded()
        return record.holder if record else None

    def _acquired(self, path: Path) -> AbstractContextManager[object]:
        """Take the kernel lock on a file, and remember which file that was.

        Each lock object is new, so that two in one process exclude each other as well. Where the
        kernel has no locks, it fails: a lock made of files would outlive its holder.
        """
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
                # Without a record its holder has just begun, and names itself, or is letting go.
                if record:
                    break
            raise refusal(self._repository, record.holder if record else None)

    def _remember(self, descriptor: int) -> None:
        self._locked = _identity(os.fstat(descriptor))

    @contextmanager
    def _holding(self) -> Iterator[None]:
        self.held = True
        try:
            yield
        finally:
            self.held = False
            # What went wrong inside matters more than a record that means nothing by now.
            with suppress(OSError):
                if self._is_in_place():
                    self._record.unlink()

    def _is_in_place(self) -> bool:
        """Whether the file that is locked is the one that others try to lock."""
        try:
            return _identity(self._path.stat()) == self._locked
        except FileNotFoundError:
            return False

    def _require_holder(self, run: str) -> None:
        record = self._recorded()
        if record is None or record.run != run:
            raise not_the_holder(self._repository, run)

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
                raise StateError(f"{self._record} does not say who holds the lock") from error


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def refusal(
    repository: Repository, holder: Holder | None, until: datetime | None = None
) -> LockedError:
    """Say who holds the lock, and until when if it is not renewed.

    None stands for a run that came a moment earlier and has not given its name.
    """
    known = described(holder) if holder else "a run that has not given its name yet"
    if until is None:
        advice = "If it hangs, stop its process: the lock goes with it."
    else:
        advice = f"If it died, the lock is free from {until:%Y-%m-%d %H:%M:%S} UTC on."
    return LockedError(
        f"{repository}: the lock is held by {known}",
        hint=f"Wait for that run to end, then run again. {advice} "
        "Where that takes too long, see `reconciler lock break`.",
    )


def described(holder: Holder) -> str:
    """Name a holder: its run, who and where that is, and since when."""
    process = f", process {holder.process}" if holder.process else ""
    return (
        f"run {holder.run} ({holder.who} on {holder.where}{process}) "
        f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    )


def without_lock(repository: Repository) -> StateError:
    """Say that something is to be written without the lock."""
    return StateError(f"{repository}: the state is written only under its lock")


def lost(repository: Repository) -> LockedError:
    """Say that this run had the lock, and has it no longer."""
    return LockedError(
        f"{repository}: the lock of this run was broken or removed, so it stops",
        hint="What it had begun is settled by the next run.",
    )


def not_the_holder(repository: Repository, run: str) -> LockedError:
    """Say that the lock to be broken belongs to somebody else, or to nobody."""
    return LockedError(
        f"{repository}: run {run} does not hold the lock",
        hint="`reconciler lock status` tells who does.",
    )
