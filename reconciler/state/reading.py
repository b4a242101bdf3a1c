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
from dataclasses import dataclass
from io import BytesIO
from itertools import takewhile
from pathlib import Path

from reconciler.errors import JournalError
from reconciler.model.journal import Record
from reconciler.state.durable import read_private, state_errors
from reconciler.state.lines import read_lines


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
