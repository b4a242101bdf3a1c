"""The state of one repository on a server, put together from its parts: journal, lock, notes."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

from pydantic import ValidationError

from reconciler.errors import StateError
from reconciler.model.canonical import canonical
from reconciler.model.journal import Entry, Record
from reconciler.model.observations import Observations
from reconciler.model.ports import Holder
from reconciler.state.ledger import Ledger


class RemoteLock(Protocol):
    """The lock of one repository, and what may be kept only under it."""

    @property
    def is_held(self) -> bool:
        """Whether this very object took it and has not let go."""

    def hold(self, holder: Holder) -> AbstractContextManager[Holder | None]:
        """Hold it for a `with` block, which is given whom it was taken over from, if anybody.

        Raises: LockedError, naming the holder.
        """

    def seize(self, holder: Holder, run: str) -> AbstractContextManager[None]:
        """Take it away from a run and hold it instead, for the length of a `with` block.

        Raises: LockedError, when that run does not hold it.
        """

    def confirm(self) -> None:
        """Make sure that it is held still.

        Raises: StateError, where it was never taken; LockedError, where it was lost since.
        """

    def holder(self) -> Holder | None:
        """Tell who holds it now; None if nobody does."""


class RemoteDocument(Protocol):
    """One document that is replaced as a whole."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def read(self) -> bytes | None:
        """Read it; None before it was ever written."""

    def write(self, content: bytes) -> None:
        """Replace it, all or nothing.

        Raises: LockedError, when somebody else replaced it in the meantime.
        """


class RemoteRepositoryState:
    """The state of one repository. Writing needs the lock."""

    def __init__(self, ledger: Ledger, lock: RemoteLock, drawer: RemoteDocument) -> None:
        """Put the parts together; nothing is sent yet."""
        self._journal = ledger
        self._lock = lock
        self._observations = drawer

    def records(self) -> Sequence[Record]:
        """Read and verify the whole journal. Raises: JournalError."""
        return self._journal.settle() if self._lock.is_held else self._journal.look()

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write entries durably after the last record; return them as written.

        Raises: StateError, when they could not be made durable; LockedError, when another run
            wrote first. Then nothing may be deleted.
        """
        self._lock.confirm()
        return self._journal.append(run, now, entries)

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Write entries no later than the next append, or the end of the lock."""
        self._journal.note(run, now, entries)

    def observations(self) -> Observations:
        """Read the observations; empty when there are none yet.

        Raises: StateError, when they are damaged.
        """
        content = self._observations.read()
        if content is None:
            return Observations()
        try:
            return Observations.model_validate_json(zlib.decompress(content))
        except (zlib.error, ValidationError) as error:
            raise StateError(
                f"{self._observations.place} is damaged",
                hint="Put a copy of it back. Without one, remove it: then ages by first_seen "
                "and untagged_since start anew. Holds and refusals stand in the journal.",
            ) from error

    def save_observations(self, observations: Observations) -> None:
        """Replace the observations, all or nothing, compressed and without defaults."""
        self._lock.confirm()
        document = observations.model_dump(mode="json", exclude_defaults=True)
        self._observations.write(zlib.compress(canonical(document)))

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for the length of a `with` block; it is not reentrant.

        Raises: LockedError, naming the holder.
        """
        with self._lock.hold(holder) as gone:
            self._journal.forget()
            if gone:
                # Besides telling, it takes the place of what the other run would write next.
                self._journal.append(holder.run, holder.since, [_taken_over(gone, holder)])
            yield
            self._journal.flush()

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Take the lock away from a run and hold it instead, for the length of a `with` block.

        Raises: LockedError, when that run does not hold it.
        """
        with self._lock.seize(holder, run):
            self._journal.forget()
            yield
            self._journal.flush()

    def confirm_lock(self) -> None:
        """Make sure that the lock is held still, which alone keeps two writers apart.

        Raises: StateError, where it was never taken; LockedError, where it was lost since.
        """
        self._lock.confirm()

    def holder(self) -> Holder | None:
        """Tell who holds the lock now; None if nobody does."""
        return self._lock.holder()


def _taken_over(gone: Holder, by: Holder) -> Entry:
    body = {
        "of": gone.run,
        "who": f"{by.who}@{by.where}",
        "holder": f"{gone.who}@{gone.where}",
        "process": gone.process,
    }
    return Entry("lock_break", body)
