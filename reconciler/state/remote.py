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
    """Where the lines of a journal are kept."""

    def read(self) -> Iterable[bytes]:
        """Read all lines, each with its newline."""

    def write(self, seq: int, lines: bytes) -> None:
        """Add lines whose first is record `seq`, if that is the next one; durable on return.

        Raises: LockedError, when somebody else wrote that record; StateError.
        """


class _WriteRequest(NamedTuple):
    """What one call wants written."""

    run: str
    now: datetime
    entries: Sequence[Entry]


class Ledger:
    """One journal, for readers at any time and for the one writer that holds the lock."""

    def __init__(self, place: str, pages: JournalLines) -> None:
        """Remember where it is; nothing is read yet."""
        self._place = place
        self._pages = pages
        self._last: Record | None = None
        self._known = False
        self._intact = True
        self._noted: list[_WriteRequest] = []
        self._turn = Lock()

    def look(self) -> Sequence[Record]:
        """Read and verify the whole journal."""
        return read_lines(self._place, self._pages.read())

    def settle(self) -> Sequence[Record]:
        """Read and verify under the lock; appends go on from here."""
        records = self.look()
        self._last, self._known = records[-1] if records else None, True
        return records

    def forget(self) -> None:
        """Forget where the journal ends: whoever takes the lock reads what others wrote."""
        self._known = False
        self._noted.clear()

    def note(self, run: str, now: datetime, entries: Iterable[Entry]) -> None:
        """Have entries written together with what is appended next."""
        with self._turn:
            self._noted.append(_WriteRequest(run, now, tuple(entries)))

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write what was noted, then these entries, in one go; return these.

        Raises: LockedError, when somebody else has written in the meantime; StateError, when it
            is not known whether they are durable. From then on nothing more is appended here.
        """
        with self._turn:
            return self._write_after_noted([_WriteRequest(run, now, tuple(entries))])

    def flush(self) -> None:
        """Write what was noted and followed by nothing."""
        with self._turn:
            if self._noted:
                self._write_after_noted([])

    def _write_after_noted(self, added: list[_WriteRequest]) -> Sequence[Record]:
        """Write what was noted and what is added; return the latter."""
        if not self._known:
            self.settle()
        records = self._chained([*self._noted, *added])
        if records:
            self._write(records)
            self._last = records[-1]
        self._noted.clear()
        return records[len(records) - sum(len(request.entries) for request in added) :]

    def _chained(self, requests: Iterable[_WriteRequest]) -> list[Record]:
        records: list[Record] = []
        for request in requests:
            last = records[-1] if records else self._last
            records.extend(chained(last, *request))
        return records

    def _write(self, records: Sequence[Record]) -> None:
        """Write records; only a write that was confirmed leaves the journal intact."""
        lines = to_lines(records)
        if not self._intact:
            raise StateError(
                f"{self._place}: an earlier record could not be written, so no other is",
                hint="Make the state reachable and run again: that run goes on where this one "
                "stops.",
            )
        self._intact = False
        self._pages.write(records[0].seq, lines)
        self._intact = True


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
    body = LockBreakBody(
        of=gone.run,
        who=by.address,
        holder=gone.address,
        process=gone.process,
    )
    return entry_of(body)
