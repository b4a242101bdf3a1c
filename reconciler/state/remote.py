"""The state of one repository on a server: journal, lock and observations."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from threading import Lock
from typing import NamedTuple, Protocol

from pydantic import ValidationError

from reconciler.errors import StateError
from reconciler.model.base import canonical
from reconciler.model.inventory import Observations
from reconciler.model.journal import Entry, LockBreakBody, Record, entry_of
from reconciler.model.ports import Holder
from reconciler.state.journal_file import chained, read_lines, to_lines


class JournalLines(Protocol):
    """Where a backend stores the lines of a journal."""

    def read(self) -> Iterable[bytes]:
        """Read all lines, each with its newline."""

    def write(self, seq: int, lines: bytes) -> None:
        """Append lines that begin with record `seq`, if that is the next one; durable on return.

        Raises: LockedError, when another run wrote that record; StateError.
        """


class _WriteRequest(NamedTuple):
    """The entries of one call of `note` or `append`."""

    run: str
    now: datetime
    entries: Sequence[Entry]


class RemoteJournal:
    """A journal on a server, for readers at any time and for the one writer with the lock."""

    def __init__(self, place: str, lines: JournalLines) -> None:
        """Use the lines of a journal; nothing is read yet."""
        self._place = place
        self._lines = lines
        self._last: Record | None = None
        self._known = False
        self._intact = True
        self._noted: list[_WriteRequest] = []
        self._mutex = Lock()

    def look(self) -> Sequence[Record]:
        """Read and verify the whole journal."""
        return read_lines(self._place, self._lines.read())

    def settle(self) -> Sequence[Record]:
        """Read and verify under the lock, after which appends may follow."""
        records = self.look()
        self._last, self._known = records[-1] if records else None, True
        return records

    def forget(self) -> None:
        """Forget the end of the journal, since another run may have written before the lock."""
        self._known = False
        self._noted.clear()

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Keep entries until the next append, which writes them, too."""
        with self._mutex:
            self._noted.append(_WriteRequest(run, now, tuple(entries)))

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Append the noted entries and then these, in one write; return these as records.

        Raises: LockedError, when another run wrote in the meantime; StateError, when it is unknown
            whether they are durable. Then this object appends nothing more.
        """
        with self._mutex:
            return self._write_after_noted([_WriteRequest(run, now, tuple(entries))])

    def flush(self) -> None:
        """Append the noted entries that no append followed."""
        with self._mutex:
            if self._noted:
                self._write_after_noted([])

    def _write_after_noted(self, added: list[_WriteRequest]) -> Sequence[Record]:
        """Append the noted and the added entries; return the records of the latter."""
        if not self._known:
            self.settle()
        records: list[Record] = []
        for request in (*self._noted, *added):
            records.extend(chained(records[-1] if records else self._last, *request))
        if records:
            self._write(records)
            self._last = records[-1]
        self._noted.clear()
        # Those of `note` come first: the caller gets the records of its own entries.
        return records[len(records) - sum(len(request.entries) for request in added) :]

    def _write(self, records: Sequence[Record]) -> None:
        """Write records; the journal counts as intact only after a confirmed write."""
        # First, since an entry that cannot be written must not count as a failed write.
        lines = to_lines(records)
        if not self._intact:
            raise StateError(
                f"{self._place}: nothing more is written after a failed write",
                hint="Make the state reachable and run again: that run continues this one.",
            )
        self._intact = False
        self._lines.write(records[0].seq, lines)
        self._intact = True


class RemoteLock(Protocol):
    """The lock of one repository."""

    @property
    def is_locked(self) -> bool:
        """Whether this object has taken the lock and not released it."""

    def hold(self, holder: Holder) -> AbstractContextManager[Holder | None]:
        """Hold the lock for a `with` block; yield the dead holder it was taken over from, if any.

        Raises: LockedError, with the holder.
        """

    def seize(self, holder: Holder, run: str) -> AbstractContextManager[None]:
        """Break the lock of a run and hold it for a `with` block.

        Raises: LockedError, when that run does not hold the lock.
        """

    def confirm(self) -> None:
        """Check that the lock is still held.

        Raises: StateError, when it was never taken; LockedError, when it was lost since.
        """

    def holder(self) -> Holder | None:
        """Return the current holder; None if the lock is free."""


class RemoteDocument(Protocol):
    """One document that is replaced as a whole."""

    @property
    def place(self) -> str:
        """Where it is, for messages."""

    def read(self) -> bytes | None:
        """Read it; None before it was ever written."""

    def write(self, content: bytes) -> None:
        """Replace it, all or nothing.

        Raises: LockedError, when another run replaced it in the meantime.
        """


class RemoteRepositoryState:
    """The state of one repository. Writing needs the lock."""

    def __init__(self, journal: RemoteJournal, lock: RemoteLock, document: RemoteDocument) -> None:
        """Combine the parts; nothing is sent yet."""
        self._journal = journal
        self._lock = lock
        self._observations = document

    def records(self) -> Sequence[Record]:
        """Read and verify the whole journal. Raises: JournalError."""
        return self._journal.settle() if self._lock.is_locked else self._journal.look()

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Append entries durably; return them as records.

        Raises: StateError, when they could not be made durable; LockedError, when another run
            wrote first. Then nothing may be deleted.
        """
        self._lock.confirm()
        return self._journal.append(run, now, entries)

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Write entries no later than the next append, or the end of the lock."""
        self._journal.note(run, now, entries)

    def observations(self) -> Observations:
        """Read the observations; empty if there are none yet.

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
                hint="Restore it from a copy. Without a copy, remove it: then ages by first_seen "
                "and untagged_since start again. Holds and refusals are in the journal.",
            ) from error

    def save_observations(self, observations: Observations) -> None:
        """Replace the observations, all or nothing, compressed and without defaults."""
        self._lock.confirm()
        document = observations.model_dump(mode="json", exclude_defaults=True)
        self._observations.write(zlib.compress(canonical(document)))

    @contextmanager
    def lock(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for a `with` block; it is not reentrant.

        Raises: LockedError, with the holder.
        """
        with self._lock.hold(holder) as previous:
            self._journal.forget()
            if previous:
                # The entry reports the takeover, and occupies the number of the record that the
                # previous holder would write next: if it is only paused, its write is refused.
                takeover = LockBreakBody(
                    of=previous.run,
                    who=holder.address,
                    holder=previous.address,
                    process=previous.process,
                )
                self._journal.append(holder.run, holder.since, [entry_of(takeover)])
            yield
            self._journal.flush()

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """Break the lock of a run and hold it for a `with` block.

        Raises: LockedError, when that run does not hold it.
        """
        with self._lock.seize(holder, run):
            self._journal.forget()
            yield
            self._journal.flush()

    def confirm_lock(self) -> None:
        """Check that the lock is still held: nothing else excludes a second writer.

        Raises: StateError, when it was never taken; LockedError, when it was lost since.
        """
        self._lock.confirm()

    def holder(self) -> Holder | None:
        """Return the current lock holder; None if the lock is free."""
        return self._lock.holder()
