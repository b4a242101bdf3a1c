"""A plan: what would be deleted from each repository, why, and what was observed."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from operator import not_
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from reconciler.errors import ExitCode, PlanError, worst
from reconciler.model.base import Frozen, canonical
from reconciler.model.causes import Cause
from reconciler.model.durations import Span
from reconciler.model.inventory import Evidence
from reconciler.model.json_pieces import JsonReader, joined, pieces
from reconciler.model.names import Repository, Tag
from reconciler.model.plan_rows import ROWS, Change, Kept, row_pieces
from reconciler.model.sources import PolicySource

FORMAT_NAME = "reconciler-plan"
FORMAT_MAJOR = 1
MAX_PLAN_BYTES = 1024 * 1024 * 1024
"""Largest plan file read, in bytes: a change takes 600, and a million of them are planned."""


GuardName = Literal["max_delete", "max_delete_percent", "never_empty"]


class Guard(Frozen):
    """One limit checked against the plan. Units: images, or percent of the repository's images."""

    name: GuardName
    limit: int
    actual: float
    ok: bool
    override: str = ""
    asked: bool = Field(default=False, exclude_if=not_)  # the limit is the override's


class TagFamily(Frozen):
    """Tags that no rule matches, grouped by shape, such as `pr-*`; they keep their images."""

    pattern: str
    count: int
    example: Tag


class Waiting(Frozen):
    """Images that would be deleted if they were not younger than `min_age`."""

    count: int
    until: datetime | None = None
    """When the first of them will be old enough; None if no age is known."""


class RepositoryPlan(Frozen):
    """The plan of one repository. An unreadable one has an `error` and no changes."""

    repository: Repository
    policy: str
    complete: bool
    error: str = ""
    hint: str = ""
    failure: ExitCode = ExitCode.OK
    """The exit code of the error that made it incomplete."""

    evidence: Evidence = Evidence()
    versions: int = 0
    images: int = 0
    state: str = Field("", exclude_if=not_)
    """The hash of the last journal record at planning; empty if there was no journal."""

    listing: str = ""
    """sha256 of the listing: digests, tags and times, in one order."""

    min_age: Span = Span("24h")
    undo: bool = False
    """Whether the registry can restore what is deleted."""

    changes: tuple[Change, ...] = ()
    kept: dict[str, int] = {}
    """How many images are kept, by the name of the rule or the cause that keeps them."""

    protected: tuple[Kept, ...] = ()
    retained: tuple[Kept, ...] = ()
    unmatched: tuple[TagFamily, ...] = ()
    waiting: Waiting | None = None
    guards: tuple[Guard, ...] = ()
    missing: tuple[str, ...] = ()
    """Images that list a missing manifest: they were broken before this plan."""

    unused: tuple[str, ...] = Field((), exclude_if=not_)
    """The rules and protections whose patterns or digests match nothing in this repository."""

    warnings: tuple[str, ...] = ()

    def head(self) -> dict[str, Any]:
        """Return the document without its rows."""
        return self.model_dump(mode="json", exclude=set(ROWS))

    def pieces(self) -> Iterator[bytes]:
        """Write it as canonical JSON, some rows at a time."""
        rows = {key: joined(row_pieces(rows, getattr(self, key))) for key, rows in ROWS.items()}
        return pieces({**self.head(), **rows})

    @property
    def images_deleted(self) -> int:
        """How many images (roots) the changes delete, without followers."""
        return sum(change.cause is Cause.EXPIRED for change in self.changes)

    @property
    def stopped(self) -> bool:
        """Whether a guard stops it."""
        return any(not guard.ok for guard in self.guards)


class Unlisted(Frozen):
    """A pattern whose repositories could not be listed, so that none of them is planned."""

    pattern: str
    policy: str
    error: str
    hint: str = ""
    failure: ExitCode


class Summary(Frozen):
    """The counts over all repositories. Units: versions; `bytes` of image content, if known."""

    delete: int = 0
    keep: int = 0
    protected: int = 0
    incomplete: int = 0
    bytes: int = 0


class RestoreSummary(Summary):
    """The counts of a restore plan, which deletes nothing. Units: versions."""

    restore: int = Field(0, exclude_if=not_)


class PlanFormat(Frozen):
    """The format of the file; a reader refuses an unknown major version."""

    name: Literal["reconciler-plan"] = "reconciler-plan"
    version: str = "1.0"


class _PlanBase(Frozen):
    """What both kinds of plan have: times, sources, parts and a digest.

    A restore plan is written with the sources as well, although it has none.
    """

    action: ClassVar[Literal["delete", "restore"]]
    """What each change does."""

    format: PlanFormat = PlanFormat()
    tool: str
    created_at: datetime
    evaluated_at: datetime
    expires_at: datetime
    forecast: bool = False
    """Evaluated for another time than the present: for display, never applied."""

    policy: tuple[PolicySource, ...] = ()
    policy_paths: tuple[str, ...] = Field((), exclude_if=not_)
    """The policy files and folders as given on the command line; empty in older plans."""

    unlisted: tuple[Unlisted, ...] = Field((), exclude_if=not_)
    repositories: tuple[RepositoryPlan, ...] = ()

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        """Refuse a change of the other kind: a file could mix deletions and restorations."""
        if any(
            change.action != self.action for part in self.repositories for change in part.changes
        ):
            raise ValueError(f"a change is no {self.action}")
        return self

    @property
    @abstractmethod
    def summary(self) -> Summary:
        """The counts over all repositories."""

    @property
    def outcome(self) -> ExitCode:
        """The exit code of a command that only displays this plan."""
        failures = [part.failure for part in self.repositories]
        failures += [unlisted.failure for unlisted in self.unlisted]
        stopped = [ExitCode.SAFETY_STOP for part in self.repositories if part.stopped]
        return worst(failures + stopped)

    @cached_property
    def digest(self) -> str:
        """The sha256 of everything else, as canonical JSON; it identifies the plan."""
        hashed = hashlib.sha256()
        for piece in self._pieces():
            hashed.update(piece)
        return f"sha256:{hashed.hexdigest()}"

    def chunks(self) -> Iterator[bytes]:
        """Write the plan as canonical JSON with its digest, one trailing newline, in parts."""
        yield from self._pieces(digest=self.digest)
        yield b"\n"

    def to_bytes(self) -> bytes:
        """Write the plan as `chunks` does, in one."""
        return b"".join(self.chunks())

    def with_parts(self, parts: Iterable[RepositoryPlan]) -> Self:
        """Return this plan with other parts, and so with another digest and other counts."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        # Not `model_copy`: it would keep what was computed from the parts of this one.
        return type(self)(**{**fields, "repositories": tuple(parts)})

    def head(self) -> dict[str, Any]:
        """Return the document without its repositories."""
        summary = self.summary.model_dump(mode="json")
        return {**self.model_dump(mode="json", exclude={"repositories"}), "summary": summary}

    def _pieces(self, **more: str) -> Iterator[bytes]:
        parts = joined(part.pieces() for part in self.repositories)
        return pieces({**self.head(), **more, "repositories": parts})

    def _counts(self, *, deleted: int) -> dict[str, int]:
        """Return the counts that do not depend on the kind."""
        return {
            "delete": deleted,
            "keep": sum(part.versions for part in self.repositories) - deleted,
            "protected": sum(len(part.protected) for part in self.repositories),
            "incomplete": sum(not part.complete for part in self.repositories) + len(self.unlisted),
            "bytes": sum(
                change.observed.size for part in self.repositories for change in part.changes
            ),
        }


class DeletionPlan(_PlanBase):
    """What would be deleted, why, and what was observed; equal inputs give equal bytes."""

    action = "delete"

    @cached_property
    def summary(self) -> Summary:
        """The counts over all repositories."""
        deleted = sum(len(part.changes) for part in self.repositories)
        return Summary(**self._counts(deleted=deleted))


class RestorePlan(_PlanBase):
    """What would be restored of the deletions of one run."""

    action = "restore"

    undoes: str = Field(min_length=1)
    """The run whose deletions it restores; a file with it is a restore plan."""

    retag: bool = Field(default=False, exclude_if=not_)
    """Whether tags that the registry does not restore are attached where they are free."""

    @cached_property
    def summary(self) -> RestoreSummary:
        """The counts over all repositories."""
        restored = sum(len(part.changes) for part in self.repositories)
        return RestoreSummary(**self._counts(deleted=0), restore=restored)


Plan = DeletionPlan | RestorePlan
"""A plan of either kind, as a file has it."""


def read_plan(content: bytes) -> Plan:
    """Read a saved plan from the bytes of its file; see `read_chunks`."""
    return read_chunks([content])


def read_chunks(chunks: Iterable[bytes]) -> Plan:
    """Read a saved plan from the parts of its file, and verify its digest.

    Its rows are read one at a time: the file of a large plan does not fit into memory.

    Raises: PlanError, when it is too large, not a plan, of an unknown major version or altered.
    """
    hashed = hashlib.sha256()
    reader = JsonReader(_bounded(chunks), hashed.update)
    document: dict[str, Any] = {}
    parts: list[RepositoryPlan] = []
    renamed = False
    try:
        for key in reader.members(unwritten="digest"):
            if key == "repositories":
                for _ in reader.elements():
                    part, spelled = _read_part(reader)
                    parts.append(part)
                    renamed = renamed or spelled != part.repository
            else:
                document[key] = reader.value()
            # Keys are sorted, so that a plan of another version is named before its rows are read.
            if key == "format":
                _check_format(document[key])
        reader.end()
        # The hash is that of the document as written, not of what the fields were read as.
        digest, written = document.pop("digest"), f"sha256:{hashed.hexdigest()}"
        if written != digest:
            raise PlanError(f"the plan was altered: it says {digest} and is {written}")
        # The summary is computed from the rest.
        head = {key: value for key, value in document.items() if key != "summary"}
        kind: type[Plan] = RestorePlan if head.get("undoes") else DeletionPlan
        plan = kind.model_validate({**head, "repositories": parts})
        _check_form("the plan", plan.head(), canonical(document))
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError) as error:
        reason = _first_of(error) if isinstance(error, ValidationError) else error
        raise PlanError(f"this is not a plan: {reason}") from error
    # All of it was compared with what is written: the digest need not be computed again, unless
    # an older release wrote other names.
    if not renamed:
        plan.__dict__["digest"] = digest
    return plan


def _bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    # A plan may come from another job or person.
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_PLAN_BYTES:
            raise PlanError(f"the plan is larger than {MAX_PLAN_BYTES} bytes")
        yield chunk


def _check_format(named: Any) -> None:
    version = str(named["version"])
    major = int(version.partition(".")[0])
    if (named["name"], major) != (FORMAT_NAME, FORMAT_MAJOR):
        raise PlanError(f"{named['name']} {version} is not a plan this tool reads")


def _read_part(reader: JsonReader) -> tuple[RepositoryPlan, str]:
    """Read the plan of one repository; return it, and the name of the repository as written.

    That is replaced by the canonical name: older releases wrote it as given.
    """
    document: dict[str, Any] = {}
    for key in reader.members():
        rows = ROWS.get(key)
        document[key] = tuple(_read_rows(reader, key, rows)) if rows else reader.value()
    spelled, name = document["repository"], Repository(document["repository"])
    if spelled != name:
        document["repository"] = str(name)
        for key in ROWS:
            document[key] = tuple(
                replace(row, key=f"{name}{row.key.removeprefix(spelled)}") for row in document[key]
            )
    part = RepositoryPlan.model_validate(document)
    head = {key: value for key, value in document.items() if key not in ROWS}
    _check_form(name, part.head(), canonical(head))
    return part, spelled


def _read_rows(reader: JsonReader, key: str, rows: TypeAdapter[Any]) -> Iterator[Any]:
    for number in reader.elements():
        value, form = reader.value_and_form()
        place = f"number {number + 1} of {key!r}"
        try:
            row = rows.validate_python(value)
        except ValidationError as error:
            raise ValueError(f"{place}: {_first_of(error)}") from error
        _check_form(place, rows.dump_python(row, mode="json"), form)
        yield row


def _check_form(name: str, document: Any, written: bytes) -> None:
    """Refuse a value that was read in another way than it is written, or dropped.

    Raises: PlanError, naming where it is.
    """
    if canonical(document) != written:
        raise PlanError(f"the plan was altered: {name} is not written as this tool writes it")


def _first_of(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
