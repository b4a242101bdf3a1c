"""Reading a journal file: canonical JSON, one record a line, each chained to the one before.

What an append leaves when it is cut short is the beginning of what it meant to write: whole
lines, then perhaps the beginning of one. Only such a last line without its end is a *torn tail*:
its append never returned, so nothing was done in its name, and it can be set aside. A line that
has its newline may have been durable. If it does not verify, the journal was damaged, and what
it said is not for us to guess.

Records cut off as whole lines cannot be missed from inside the file: compare the last hash with
one that was published elsewhere.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from pathlib import Path

from reconciler.errors import JournalError
from reconciler.model.journal import MAX_RECORD_BYTES, Record, parse_record, verified
from reconciler.state.durable import state_errors


@dataclass(frozen=True, slots=True)
class End:
    """Where the next record goes. Units: `size` in bytes, of all records before it."""

    last: Record | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal file holds: verified records, then perhaps a torn tail."""

    records: tuple[Record, ...]
    end: End
    torn: bytes


def read_journal(path: Path) -> Reading:
    """Read a journal whole and verify its chain; one that does not exist is empty.

    Raises: JournalError, naming file and line, for anything but a torn tail.
    """
    content = _content(path)
    size = content.rfind(b"\n") + 1
    records = _verified(path, takewhile(_is_whole, BytesIO(content)))
    torn = content[size:]
    if not _is_cut_short(torn):
        raise JournalError(f"{path}:{len(records) + 1}: the record does not end with a newline")
    return Reading(records, End(records[-1] if records else None, size), torn)


def _content(path: Path) -> bytes:
    with state_errors("read", path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def _is_whole(line: bytes) -> bool:
    return line.endswith(b"\n")


def _verified(path: Path, lines: Iterable[bytes]) -> tuple[Record, ...]:
    records: list[Record] = []
    try:
        # What was verified before an error is in the list by then: its length tells the line.
        records.extend(verified(_parsed(line, number) for number, line in enumerate(lines, 1)))
    except JournalError as error:
        raise JournalError(f"{path}:{len(records) + 1}: {error}") from error
    return tuple(records)


def _parsed(line: bytes, number: int) -> Record:
    """Read one line, which must have the very bytes we write: the hash covers only their sense."""
    if len(line) > MAX_RECORD_BYTES:
        raise JournalError(f"line {number} is longer than {MAX_RECORD_BYTES} bytes")
    record = parse_record(line, number)
    if record.to_line() != line:
        raise JournalError(f"line {number} was altered: it is not in canonical form")
    return record


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
