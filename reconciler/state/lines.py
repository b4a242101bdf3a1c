"""The journal as lines: canonical JSON, one record a line, each chained to the one before."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from reconciler.errors import JournalError, StateError
from reconciler.model.journal import (
    MAX_RECORD_BYTES,
    Entry,
    Record,
    chain,
    parse_record,
    verified,
)


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
