"""The journal file of one repository: JSON lines, each record chained to the previous one.

An append is durable before it returns. An interrupted append leaves a prefix of its lines, the last
of which may be incomplete. Only such an incomplete last line is a *torn tail*: its append never
returned, so that nothing was done on the strength of it, and it can be set aside. A line with its
newline may have been durable. If it does not verify, the journal is damaged, and reading fails.

Whole records removed from the end cannot be detected from the file itself: compare the last hash
with one that was published elsewhere.
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

from reconciler.errors import JournalError, StateError
from reconciler.events import log
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

# With O_APPEND a program that lost the lock cannot overwrite records.
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


@dataclass(frozen=True, slots=True)
class End:
    """The end of the journal, where the next record is written. Units: `size` in bytes."""

    last: Record | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class JournalContent:
    """The content of a journal file: verified records, and a torn tail if there is one."""

    records: tuple[Record, ...]
    end: End
    torn: bytes


def read_journal(path: Path) -> JournalContent:
    """Read a whole journal and verify its chain; a missing file is an empty journal.

    Raises: JournalError, with file and line, for any damage but a torn tail.
    """
    with state_errors("read", path):
        try:
            content = read_private(path)
        except FileNotFoundError:
            content = b""
    size = content.rfind(b"\n") + 1
    whole = takewhile(lambda line: line.endswith(b"\n"), BytesIO(content))
    records = read_lines(path, whole)
    torn = content[size:]
    if not _is_cut_short(torn):
        raise JournalError(f"{path}:{len(records) + 1}: the record does not end with a newline")
    return JournalContent(records, End(records[-1] if records else None, size), torn)


def _is_cut_short(tail: bytes) -> bool:
    """Whether a tail is only the beginning of a line.

    If another byte than a newline follows a complete record, that is damage: it may have been the
    newline, and then the record was durable.
    """
    text = tail.decode(errors="replace")
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    # No complete JSON value: the write was interrupted within the record.
    except (ValueError, RecursionError):
        return True
    return end == len(text)


class JournalFile:
    """One journal file, for readers at any time and for the one writer that holds the lock."""

    def __init__(self, path: Path) -> None:
        """Use a path; nothing is opened yet."""
        self._path = path
        self._end: End | None = None
        self._intact = True
        self._mutex = Lock()

    def look(self) -> Sequence[Record]:
        """Read and verify without the lock; a torn tail is reported and left in place."""
        reading = read_journal(self._path)
        if reading.torn:
            log.warning("journal_tail_ignored", path=str(self._path), size=len(reading.torn))
        return reading.records

    def settle(self) -> Sequence[Record]:
        """Read and verify under the lock; a torn tail is set aside, and appends may follow."""
        self._require_intact()
        reading = read_journal(self._path)
        with state_errors("settle", self._path):
            # A killed run may have created the file without making its name durable.
            sync_directory(self._path.parent)
            if reading.torn:
                self._set_aside(reading)
        self._end = reading.end
        return reading.records

    def forget(self) -> None:
        """Forget the end of the journal, since another run may have written before the lock."""
        self._end = None

    def renew(self) -> None:
        """Copy the journal into a new file, under the lock.

        A paused run that has the old file open can then no longer write to the journal.
        """
        self.settle()
        end = self._end or End()
        if end.size:
            with state_errors("renew", self._path):
                replace(self._path, read_private(self._path)[: end.size])

    def append(self, run: str, now: datetime, entries: Iterable[Entry]) -> Sequence[Record]:
        """Append entries in one write, and wait until the disk has them.

        Raises: StateError, when the disk does not confirm it. Then this object appends nothing
            more: after a failed write, reading may return data that is not on the disk.
        """
        with self._mutex:
            # Another run may have written since this object read the file.
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
        """Write after `size` bytes; the journal counts as intact only after a confirmed write."""
        self._require_intact()
        self._intact = False
        # Unbuffered, since closing a buffered file would repeat a write that failed.
        with (
            state_errors("write to", self._path),
            os.fdopen(open_private(self._path, _APPEND), "ab", buffering=0) as file,
        ):
            # A difference is a writer that the lock did not exclude: a chain of both would not
            # verify.
            actual = os.fstat(file.fileno()).st_size
            if actual != size:
                raise StateError(
                    f"{self._path} has {actual} bytes instead of {size}: another program wrote to"
                    " it despite the lock",
                    hint="Find that program, check with `reconciler log verify`, then run again.",
                )
            write_through(file.fileno(), content)
            # With the first record, the name of the file must become durable, too.
            if size == 0:
                sync_directory(self._path.parent)
        self._intact = True

    def _require_intact(self) -> None:
        """Refuse further writes after a failed one: data read back may not be on the disk."""
        if not self._intact:
            raise StateError(
                f"{self._path}: nothing more is written after a failed write",
                hint="Make the disk writable and run again: that run continues this one.",
            )

    def _set_aside(self, reading: JournalContent) -> None:
        """Copy a torn tail to another file, durably, and only then cut it off."""
        number = reading.end.last.seq + 1 if reading.end.last else 1
        # An earlier crash may have left a tail at the same record, which is kept.
        copies = (self._path.with_name(f"journal.torn-{number}-{n}") for n in count(1))
        copy = next(path for path in copies if not path.exists())
        create_private(copy, reading.torn)
        sync_directory(self._path.parent)
        with os.fdopen(open_private(self._path, os.O_RDWR), "r+b", buffering=0) as file:
            file.truncate(reading.end.size)
            os.fsync(file.fileno())
        log.warning("journal_tail_set_aside", path=str(copy), size=len(reading.torn))


def chained(
    last: Record | None, run: str, now: datetime, entries: Iterable[Entry]
) -> Sequence[Record]:
    """Chain entries to the last record.

    Raises: StateError, for an entry that JSON cannot represent: the text of a server may contain
        half a surrogate pair, which UTF-8 cannot encode.
    """
    try:
        return chain(last, run, now, entries)
    except ValueError as error:
        raise StateError(f"run {run}: an entry cannot be written as JSON: {error}") from error


def to_lines(records: Iterable[Record]) -> bytes:
    """Serialize records as lines.

    Raises: StateError, for a record that is too long to be read back.
    """
    lines: list[bytes] = []
    for record in records:
        line = record.to_line()
        # A longer line could be written, but no run could read the journal any more.
        if len(line) > MAX_RECORD_BYTES:
            raise StateError(
                f"record {record.seq} ({record.type}) of run {record.run} has {len(line)} bytes,"
                f" but the limit is {MAX_RECORD_BYTES}"
            )
        lines.append(line)
    return b"".join(lines)


def read_lines(place: object, lines: Iterable[bytes]) -> tuple[Record, ...]:
    """Parse records from complete lines and verify their chain.

    Raises: JournalError, with the place and the number of the line.
    """
    records: list[Record] = []
    try:
        # `extend` keeps the records before an error: their number is that of the line before.
        records.extend(verified(_parsed(line, number) for number, line in enumerate(lines, 1)))
    except JournalError as error:
        raise JournalError(f"{place}:{len(records) + 1}: {error}") from error
    return tuple(records)


def _parsed(line: bytes, number: int) -> Record:
    """Parse one line, which must have exactly the bytes that are written.

    The hash covers the parsed values: another spelling of the same JSON would not change it.
    """
    if len(line) > MAX_RECORD_BYTES:
        raise JournalError(f"line {number} is longer than {MAX_RECORD_BYTES} bytes")
    record = parse_record(line, number)
    if record.to_line() != line:
        raise JournalError(f"line {number} was altered: it is not in canonical form")
    return record
