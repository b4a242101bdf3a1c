"""The journal: one hash-chained record for everything a run did, append-only."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import ValidationError

from reconciler.errors import InvalidNameError, JournalError
from reconciler.model.base import Frozen, canonical
from reconciler.model.names import Repository

MAX_RECORD_BYTES = 64 * 1024
"""Longest record, in bytes of its line."""

MAX_CHILDREN = 100
"""Children named in an intent itself; records of type `children` before it name the others.

Journals from before those records have no more: an intent with so many may have left some out.
"""

ORIGIN = "sha256:" + "0" * 64
"""What the first record names as the one before it."""

RecordType = Literal[
    "run_open",
    "children",
    "intent",
    "outcome",
    "resolve",
    "run_close",
    "lock_break",
    "hold",
    "release",
]


class Result(StrEnum):
    """How one deletion or restoration ended."""

    DELETED = "deleted"
    ABSENT = "absent"
    """The registry no longer had it: done, by somebody."""

    SKIPPED_CHANGED = "skipped_changed"
    SKIPPED_REFERENCED = "skipped_referenced"
    RETAINED = "retained"
    """The registry refuses to delete this one, for a reason of its own."""

    NOT_DONE = "not_done"
    """An intent that was never carried out."""

    RESTORED = "restored"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Record(Frozen):
    """One line of the journal. `hash` covers all the rest, `prev` chains it to the line before."""

    v: Literal[1] = 1
    seq: int
    ts: datetime
    run: str
    type: RecordType
    body: Mapping[str, Any] = {}
    prev: str
    hash: str = ""

    def sealed(self) -> "Record":
        """Return the record with its hash."""
        return self.model_copy(update={"hash": self.computed_hash()})

    def computed_hash(self) -> str:
        """Hash everything but the hash itself, as canonical JSON."""
        document = self.model_dump(mode="json", exclude={"hash"})
        return f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"

    def to_line(self) -> bytes:
        """Write the record as one line."""
        return canonical(self.model_dump(mode="json")) + b"\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a run wants written; place, time and hash are added when it is appended."""

    type: RecordType
    body: Mapping[str, Any]


def chain(after: Record | None, run: str, now: datetime, entries: Iterable[Entry]) -> list[Record]:
    """Number, date and seal entries so that they continue the journal after `after`."""
    records: list[Record] = []
    for entry in entries:
        last = records[-1] if records else after
        record = Record(
            seq=last.seq + 1 if last else 1,
            ts=now,
            run=run,
            type=entry.type,
            body=entry.body,
            prev=last.hash if last else ORIGIN,
        )
        records.append(record.sealed())
    return records


def verified(records: Iterable[Record]) -> Iterator[Record]:
    """Yield records as long as each one continues the chain.

    Raises: JournalError, naming the first record that does not.
    """
    last: Record | None = None
    for record in records:
        expected = (last.seq + 1, last.hash) if last else (1, ORIGIN)
        if (record.seq, record.prev) != expected:
            raise JournalError(f"record {record.seq} does not continue record {expected[0] - 1}")
        if record.hash != record.computed_hash():
            raise JournalError(f"record {record.seq} was altered: its hash does not match")
        yield record
        last = record


def parse_record(line: bytes, number: int) -> Record:
    """Read one line of a journal.

    Raises: JournalError, naming the line, when it is no record.
    """
    try:
        return Record.model_validate(json.loads(line))
    except (ValidationError, ValueError, RecursionError) as error:
        raise JournalError(f"line {number} is not a record") from error


def key_in(body: Mapping[str, Any]) -> str:
    """Return the key of the version that an entry is about, `REPOSITORY@DIGEST`; empty for none.

    Earlier releases wrote the repository as somebody had spelled it.
    """
    key = str(body.get("key", ""))
    name, separator, digest = key.partition("@")
    try:
        return f"{Repository(name)}@{digest}" if separator else key
    except InvalidNameError:
        return key


def open_intents(records: Sequence[Record]) -> dict[str, Record]:
    """Return the intents that no later record answers, by the key of their version.

    An outcome `unknown` is no answer: the next run asks the registry again.
    """
    pending: dict[str, Record] = {}
    for record in records:
        key = key_in(record.body)
        if record.type == "intent":
            pending[key] = record
        elif record.type in ("outcome", "resolve") and record.body["result"] != Result.UNKNOWN:
            pending.pop(key, None)
    return pending


def head_of(records: Sequence[Record]) -> str:
    """Return the hash of the last record, empty where there is none."""
    return records[-1].hash if records else ""


def run_of(record: Record) -> str:
    """Return the run a record tells of; a later run may write down how a dead one ended."""
    return str(record.body.get("of", record.run))


def is_restoration(record: Record) -> bool:
    """Whether an intent, or what answers one, is of a restoration and not of a deletion."""
    return record.body.get("action") == "restore"


def open_runs(records: Sequence[Record]) -> list[str]:
    """Return the runs that were opened and never closed, in the order they were opened."""
    closed = {run_of(record) for record in records if record.type == "run_close"}
    opened = (record.run for record in records if record.type == "run_open")
    return [run for run in opened if run not in closed]
