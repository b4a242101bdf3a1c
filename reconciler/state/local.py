"""Keep the state in a directory of this machine.

Layout: `<root>/<host>/<path...>/_/` has `journal.jsonl`, `observations.json`, `lock` and
`holder.json` of one repository. No part of a repository's name begins with `_`, so `_` cannot be
another repository.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from reconciler.errors import StateError
from reconciler.events import log
from reconciler.model.base import canonical
from reconciler.model.inventory import Observations
from reconciler.model.journal import MAX_RECORD_BYTES, Entry, Record
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.durable import (
    make_directory,
    network_filesystem,
    read_private,
    replace,
    state_errors,
    write_through,
)
from reconciler.state.journal_file import JournalFile
from reconciler.state.lock_file import RepositoryLock
from reconciler.state.spellings import Spellings, repositories_in

_OWN = "_"
"""Name of the directory with the state, in the directory of a repository."""


class LocalState:
    """The state of all repositories, below one directory."""

    def __init__(self, root: Path) -> None:
        """Use a directory; nothing is created yet."""
        self._root = root
        self._spellings = Spellings(str(root), self._names)

    def of(self, repository: Repository) -> "LocalRepositoryState":
        """Open the state of one repository; nothing is written until it is locked."""
        return LocalRepositoryState(repository, self._root / self._spellings.of(repository) / _OWN)

    def repositories(self) -> Sequence[Repository]:
        """List the repositories that have a state, sorted."""
        return repositories_in(self._names())

    def check_writable(self) -> None:
        """Check that a record could be written now, by writing as much and removing it.

        Raises: StateError, with the cause and a hint.
        """
        with state_errors("write to", self._root):
            make_directory(self._root)
            # Each run uses a file of its own, since this check does not take the lock.
            with tempfile.NamedTemporaryFile(dir=self._root, prefix="_probe-") as probe:
                # As much as the longest record: a full disk must be noticed before a deletion, not
                # after it.
                write_through(probe.fileno(), bytes(MAX_RECORD_BYTES))
        if kind := network_filesystem(self._root):
            log.warning("state_on_network_filesystem", path=str(self._root), filesystem=kind)

    def _names(self) -> Sequence[str]:
        """List the directories with a state, relative to the root."""
        with state_errors("list", self._root):
            if not self._root.exists():
                return ()
            return [
                Path(directory).relative_to(self._root).as_posix()
                # By default os.walk skips what it cannot read, and a state would be missing from
                # the list.
                for directory, below, _ in os.walk(self._root, onerror=_refuse)
                if _OWN in below
            ]


def _refuse(error: OSError) -> None:
    raise error


class LocalRepositoryState:
    """The state of one repository, in one directory. Writing needs the lock."""

    def __init__(self, repository: Repository, directory: Path) -> None:
        """Use a directory; nothing is created yet."""
        self._observations = directory / "observations.json"
        self._journal = JournalFile(directory / "journal.jsonl")
        self._lock = RepositoryLock(repository, directory)

    def records(self) -> Sequence[Record]:
        """Read and verify the whole journal; under the lock, a torn tail is set aside.

        Raises: JournalError, when a record does not verify.
        """
        return self._journal.settle() if self._lock.is_locked else self._journal.look()

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Append entries durably; return them as records.

        Raises: StateError, when they could not be made durable: then nothing may be deleted.
        """
        self.confirm_lock()
        return self._journal.append(run, now, entries)

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Append entries immediately, since a disk is fast."""
        self.append(run, now, entries)

    def observations(self) -> Observations:
        """Read the observations; empty if there are none yet.

        Raises: StateError, when the file is damaged.
        """
        with state_errors("read", self._observations):
            try:
                return Observations.model_validate_json(read_private(self._observations))
            except FileNotFoundError:
                return Observations()
            except ValidationError as error:
                raise StateError(
                    f"{self._observations} is damaged: {error.errors()[0]['msg']}",
                    hint="Restore it from a copy. Without a copy, remove it: then ages by "
                    "first_seen and untagged_since start again. Holds and refusals are in the "
                    "journal.",
                ) from error

    def save_observations(self, observations: Observations) -> None:
        """Replace the observations, all or nothing, as compact JSON without defaults."""
        self.confirm_lock()
        document = observations.model_dump(mode="json", exclude_defaults=True)
        with state_errors("write", self._observations):
            replace(self._observations, canonical(document))

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for a `with` block; it is not reentrant.

        Raises: LockedError, with the holder.
        """
        with self._lock.hold(holder):
            self._journal.forget()
            yield

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Break the lock of a run and hold it for a `with` block.

        Raises: LockedError, when that run does not hold the lock.
        """
        with self._lock.seize(holder, run):
            self._journal.forget()
            # The broken run may only be paused, with the journal open.
            self._journal.renew()
            yield

    def confirm_lock(self) -> None:
        """Check that the lock is still held: nothing else excludes a second writer.

        Raises: StateError, when it was never taken; LockedError, when it was broken since.
        """
        self._lock.confirm()

    def holder(self) -> Holder | None:
        """Return the current lock holder; None if the lock is free."""
        return self._lock.holder()
