"""The journal file of one repository: append-only, durable before an append returns."""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path
from threading import Lock

import structlog

from reconciler.errors import StateError
from reconciler.model.journal import Entry, Record
from reconciler.state.durable import (
    create_private,
    open_private,
    read_private,
    replace,
    state_errors,
    sync_directory,
    write_through,
)
from reconciler.state.lines import chained, to_lines
from reconciler.state.reading import End, JournalContent, read_journal

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT

_log = structlog.get_logger()


class JournalFile:
    """One journal file, for readers at any time and for the one writer that holds the lock."""

    def __init__(self, path: Path) -> None:
        """Remember the path; nothing is opened yet."""
        self._path = path
        self._end: End | None = None
        self._intact = True
        self._turn = Lock()

    def look(self) -> Sequence[Record]:
        """Read and verify without the lock: a torn tail stays where it is, and is reported."""
        reading = read_journal(self._path)
        if reading.torn:
            _log.warning("journal_tail_ignored", path=str(self._path), size=len(reading.torn))
        return reading.records

    def settle(self) -> Sequence[Record]:
        """Read and verify under the lock: a torn tail is set aside, and appends go on from here."""
        self._require_intact()
        reading = read_journal(self._path)
        with state_errors("settle", self._path):
            # A killed run may have created the file without waiting for its name.
            sync_directory(self._path.parent)
            if reading.torn:
                self._set_aside(reading)
        self._end = reading.end
        return reading.records

    def forget(self) -> None:
        """Forget where the journal ends: whoever takes the lock reads what others wrote."""
        self._end = None

    def renew(self) -> None:
        """Put the journal into a new file, under the lock.

        What a run that was paused with the old file open may still write then reaches nobody.
        """
        self.settle()
        end = self._end or End()
        if end.size:
            with state_errors("renew", self._path):
                replace(self._path, read_private(self._path)[: end.size])

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Write entries after the last record in one go, and wait until the disk has them.

        Raises: StateError, when the disk does not confirm it. From then on nothing more is
            appended here: after a failed write, the system may show what the disk has not got.
        """
        with self._turn:
            if self._end is None:
                self.settle()
            end = self._end or End()
            records = chained(end.last, run, now, entries)
            if records:
                content = to_lines(records)
                self._write(content, end.size)
                self._end = End(records[-1], end.size + len(content))
            return records

    def _write(self, content: bytes, size: int) -> None:
        """Write after `size` bytes; only a write that was confirmed leaves the journal intact."""
        self._require_intact()
        self._intact = False
        # Unbuffered, as closing a buffered file tries once more what has just failed.
        with (
            state_errors("write to", self._path),
            os.fdopen(open_private(self._path, _APPEND), "ab", buffering=0) as file,
        ):
            self._expect(size, os.fstat(file.fileno()).st_size)
            write_through(file.fileno(), content)
            # The first record needs the disk to know the file's name, too.
            if size == 0:
                sync_directory(self._path.parent)
        self._intact = True

    def _require_intact(self) -> None:
        """Refuse to go on after a failed write: what reads back now may not be on the disk."""
        if not self._intact:
            raise StateError(
                f"{self._path}: an earlier record could not be written, so no other is",
                hint="Make the disk writable and run again: that run goes on where this one stops.",
            )

    def _expect(self, size: int, found: int) -> None:
        if found != size:
            raise StateError(
                f"{self._path} has {found} bytes instead of {size}: something wrote to it "
                "in spite of the lock",
                hint="Find out what, check with `reconciler log verify`, then run again.",
            )

    def _set_aside(self, reading: JournalContent) -> None:
        """Copy a torn tail to a file of its own, durably, and only then cut it off."""
        number = reading.end.last.seq + 1 if reading.end.last else 1
        copies = (self._path.with_name(f"journal.torn-{number}-{n}") for n in count(1))
        copy = next(path for path in copies if not path.exists())
        create_private(copy, reading.torn)
        sync_directory(self._path.parent)
        with os.fdopen(open_private(self._path, os.O_RDWR), "r+b", buffering=0) as file:
            file.truncate(reading.end.size)
            os.fsync(file.fileno())
        _log.warning("journal_tail_set_aside", path=str(copy), size=len(reading.torn))
