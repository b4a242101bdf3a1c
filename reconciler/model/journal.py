"""The journal: one hash-chained record for everything a run did, append-only.

A record carries its body as the JSON it was read from, because its hash covers exactly that.
`entry_of` turns a typed body into that JSON, and `Record.content` turns it back into a typed body.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

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
    """Another client deleted it before, or the registry can no longer restore it."""

    SKIPPED_CHANGED = "skipped_changed"
    SKIPPED_REFERENCED = "skipped_referenced"
    RETAINED = "retained"
    """The registry refuses to delete this one, for a reason of its own."""

    NOT_DONE = "not_done"
    """An intent that was never carried out."""

    RESTORED = "restored"
    FAILED = "failed"
    UNKNOWN = "unknown"


class JournalBody(BaseModel):
    """What a record of one type says.

    Every key may be missing, since earlier releases did not write all of them. Keys that this
    release does not know are kept, and are written again where a body is copied.
    """

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True)
    type: ClassVar[RecordType]

    of: str = ""
    """The run that the record is about, where a later run wrote it."""


class RunOpenBody(JournalBody):
    """A run begins to delete, restore or release."""

    type = "run_open"
    who: str = ""
    plan: str = ""
    """The digest of the plan."""

    policy: str = ""
    changes: int = 0
    undo_days: int | None = None
    """For how many days the registry can restore: 0 for not at all, None if unknown."""

    visibility: str = ""
    undoes: str = ""
    """The run whose deletions are restored."""

    policy_file: str = ""
    policy_sha256: str = ""
    commit: str = ""
    workflow_run: str = ""
    workflow_repository: str = ""


class RunCloseBody(JournalBody):
    """A run ended, or a later run found that it had."""

    type = "run_close"
    reason: str = ""
    counts: Mapping[str, int] = {}
    """How many changes ended with each result."""


class VersionBody(JournalBody):
    """A record about one version."""

    key: str = ""
    digest: str = ""
    version_id: str = ""
    """The registry's own name of the version, where it has one."""

    action: str = ""

    @cached_property
    def version_key(self) -> str:
        """The one name of the version, `REPOSITORY@DIGEST`; empty for none.

        Earlier releases wrote the repository as a user had spelled it.
        """
        name, separator, digest = self.key.partition("@")
        try:
            return f"{Repository(name)}@{digest}" if separator else self.key
        # Kept as written: a journal that cannot be read would stop every later run.
        except InvalidNameError:
            return self.key

    @property
    def is_restoration(self) -> bool:
        """Whether the version is restored, and not deleted."""
        return self.action == "restore"


class ChildrenBody(VersionBody):
    """Children for which the intent that follows has no room."""

    type = "children"
    children: tuple[str, ...] = ()


class ChangeBody(VersionBody):
    """A change as it was planned."""

    component: int | None = None
    tags: tuple[str, ...] = ()
    more_tags: int = 0
    """Tags for which there was no room."""

    children: tuple[str, ...] = ()
    more_children: int | None = None
    """Children named in `children` records before it; None in journals from before those."""

    subject: str = ""
    cause: str = ""
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class IntentBody(ChangeBody):
    """A change is about to be carried out."""

    type = "intent"


class OutcomeBody(VersionBody):
    """How a change ended."""

    type = "outcome"
    result: Result
    reason: str = ""
    status: int = 0
    """The HTTP status of the answer; 0 for none."""

    request_id: str = ""


class ResolveBody(ChangeBody):
    """How a change of an earlier run ended, as a later run found out or brought about."""

    type = "resolve"
    result: Result
    reason: str = ""

    @classmethod
    def answering(cls, intent: IntentBody, *, of: str, **changes: str) -> "ResolveBody":
        """Answer an intent `of` an earlier run, with all that the intent says."""
        return cls.model_validate({**intent.model_dump(exclude_unset=True), **changes, "of": of})


class LockBreakBody(JournalBody):
    """A user or a later run took the lock away from the holder of it."""

    type = "lock_break"
    who: str = ""
    holder: str = ""
    process: int = 0


class HoldBody(JournalBody):
    """An undo restores these versions: no policy deletes them until they are released."""

    type = "hold"
    digests: tuple[str, ...] = ()


class ReleaseBody(JournalBody):
    """These versions are held no longer."""

    type = "release"
    digests: tuple[str, ...] = ()


AnyBody: TypeAlias = (
    RunOpenBody
    | ChildrenBody
    | IntentBody
    | OutcomeBody
    | ResolveBody
    | RunCloseBody
    | LockBreakBody
    | HoldBody
    | ReleaseBody
)

_BODIES: Mapping[RecordType, type[AnyBody]] = {
    "run_open": RunOpenBody,
    "children": ChildrenBody,
    "intent": IntentBody,
    "outcome": OutcomeBody,
    "resolve": ResolveBody,
    "run_close": RunCloseBody,
    "lock_break": LockBreakBody,
    "hold": HoldBody,
    "release": ReleaseBody,
}


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

    @cached_property
    def content(self) -> AnyBody:
        """The body by its type.

        Raises: JournalError, when it is not what a record of this type says.
        """
        try:
            return _BODIES[self.type].model_validate(self.body)
        except ValidationError as error:
            raise JournalError(f"record {self.seq} is not a valid {self.type}") from error

    def sealed(self) -> "Record":
        """Return the record with its hash."""
        return self.model_copy(update={"hash": self.computed_hash()})

    def computed_hash(self) -> str:
        """Hash everything but the hash itself, as canonical JSON."""
        # Canonical, so that a record that was read and written again has the same hash.
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


def entry_of(body: AnyBody) -> Entry:
    """Write a body as JSON: the keys that were given, and no others."""
    return Entry(body.type, body.model_dump(mode="json", exclude_unset=True))


Body = TypeVar("Body", bound=JournalBody)


@dataclass(frozen=True, slots=True)
class TypedRecord(Generic[Body]):
    """What a record says, with the run that wrote it, and when."""

    seq: int
    ts: datetime
    run: str
    body: Body

    @classmethod
    def of(cls, record: Record, body: Body) -> "TypedRecord[Body]":
        """Put the body of a record beside its time and run."""
        return cls(record.seq, record.ts, record.run, body)


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
        # The number finds a missing record, the hash a replaced one. See docs/promises.md.
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
    # Deeply nested JSON raises RecursionError: others may be able to write a journal.
    except (ValidationError, ValueError, RecursionError) as error:
        raise JournalError(f"line {number} is not a record") from error


def open_intents(records: Iterable[Record]) -> dict[str, TypedRecord[IntentBody]]:
    """Return the intents that no later record answers, by the key of their version.

    An outcome `unknown` is no answer: the next run asks the registry again.
    """
    pending: dict[str, TypedRecord[IntentBody]] = {}
    for record in records:
        match record.content:
            # A later intent on the same version replaces an earlier one: its outcome decides.
            case IntentBody() as intent:
                pending[intent.version_key] = TypedRecord.of(record, intent)
            case OutcomeBody() | ResolveBody() as answer if answer.result is not Result.UNKNOWN:
                pending.pop(answer.version_key, None)
    return pending


def head_of(records: Sequence[Record]) -> str:
    """Return the hash of the last record, empty where there is none."""
    return records[-1].hash if records else ""


def run_of(record: Record) -> str:
    """Return the run that a record is about; a later run may write how an earlier one ended."""
    return record.content.of or record.run


def open_runs(records: Sequence[Record]) -> list[str]:
    """Return the runs that were opened and never closed, in the order they were opened."""
    # A later run closes the runs that were killed, under its own name.
    closed = {run_of(record) for record in records if record.type == "run_close"}
    opened = (record.run for record in records if record.type == "run_open")
    return [run for run in opened if run not in closed]
