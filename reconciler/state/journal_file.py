"""The journal file of one repository: JSON lines, each record chained to the one before.

An append is durable before it returns. An append that is cut short leaves the beginning of what it
meant to write: whole lines, then perhaps the beginning of one. Only such a last line without its
end is a *torn tail*: its append never returned, so nothing was done in its name, and it can be set
aside. A line that has its newline may have been durable. If it does not verify, the journal was
damaged, and its content is not guessed.

Records cut off as whole lines cannot be missed from inside the file: compare the last hash with
one that was published elsewhere.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import count, takewhile
from pathlib import Path
from threading import Lock

import structlog

from reconciler.errors import JournalError, StateError
from reconciler.model.journal import MAX_RECORD_BYTES, Entry, Record, chain, parse_record, verified
from reconciler.state.durable import (
    create_private,
    open_private,
    read_private,
    replace,
    state_errors,
    sync_directory,
    write_through,
)

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class End:
    """Where the next record goes. Units: `size` in bytes, of all records before it."""

    last: Record | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What a journal file holds: verified records, then perhaps a torn tail."""

    records: tuple[Record, ...]
    end: End
    torn: bytes


def read_journal(path: Path) -> JournalContent:
    """Read a journal whole and verify its chain; one that does not exist is empty.

    Raises: JournalError, naming file and line, for anything but a torn tail.
    """
    content = _content(path)
    size = content.rfind(b"\n") + 1
    records = read_lines(path, takewhile(_is_whole, BytesIO(content)))
    torn = content[size:]
    if not _is_cut_short(torn):
        raise JournalError(f"{path}:{len(records) + 1}: the record does not end with a newline")
    return JournalContent(records, End(records[-1] if records else None, size), torn)


def _content(path: Path) -> bytes:
    with state_errors("read", path):
        try:
            return read_private(path)
        except FileNotFoundError:
            return b""


def _is_whole(line: bytes) -> bool:
    return line.endswith(b"\n")


def _is_cut_short(tail: bytes) -> bool:
    """Tell whether a tail is no more than the beginning of a line.

    After a whole record comes a newline. Any other byte there is damage: it may have been the
    newline, and then the record was durable.
    """
    text = tail.decode(errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return True
    return end == len(text)


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

    def _expect(self, size: int, actual: int) -> None:
        if actual != size:
            raise StateError(
                f"{self._path} has {actual} bytes instead of {size}: something wrote to it "
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


def chained(
    last: Record | None, run: str, now: datetime, entries: Iterable[Entry]
) -> Sequence[Record]:
    """Chain entries to the last record.

    Raises: StateError, for an entry that is no JSON: a server's text may hold half a surrogate
        pair, which no encoding can write.
    """
    try:
        return chain(last, run, now, entries)
    except ValueError as error:
        raise StateError(f"run {run}: an entry cannot be written as JSON: {error}") from error


def to_lines(records: Iterable[Record]) -> bytes:
    """Write records as lines.

    Raises: StateError, for one that is too long to be read back.
    """
    return b"".join(map(_line, records))


def read_lines(place: object, lines: Iterable[bytes]) -> tuple[Record, ...]:
    """Read records from whole lines and verify their chain.

    Raises: JournalError, naming the place and the line, counted from 1.
    """
    records: list[Record] = []
    try:
        # What was verified before an error is in the list by then: its length tells the line.
        records.extend(verified(_parsed(line, number) for number, line in enumerate(lines, 1)))
    except JournalError as error:
        raise JournalError(f"{place}:{len(records) + 1}: {error}") from error
    return tuple(records)


def _line(record: Record) -> bytes:
    line = record.to_line()
    if len(line) > MAX_RECORD_BYTES:
        raise StateError(
            f"record {record.seq} ({record.type}) of run {record.run} would take {len(line)} "
            f"bytes; a record has at most {MAX_RECORD_BYTES}"
        )
    return line


def _parsed(line: bytes, number: int) -> Record:
    """Read one line, which must have the very bytes we write: the hash covers only their sense."""
    if len(line) > MAX_RECORD_BYTES:
        raise JournalError(f"line {number} is longer than {MAX_RECORD_BYTES} bytes")
    record = parse_record(line, number)
    if record.to_line() != line:
        raise JournalError(f"line {number} was altered: it is not in canonical form")
    return record
