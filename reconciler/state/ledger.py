"""The journal of one repository, kept by a server that takes lines after a known record."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock
from typing import NamedTuple, Protocol

from reconciler.errors import StateError
from reconciler.model.journal import Entry, Record
from reconciler.state.lines import chained, read_lines, to_lines


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
        return records[len(records) - sum(len(told.entries) for told in added) :]

    def _chained(self, all_told: Iterable[_WriteRequest]) -> list[Record]:
        records: list[Record] = []
        for told in all_told:
            last = records[-1] if records else self._last
            records.extend(chained(last, *told))
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
