"""A plan: what would be deleted from each repository, why, and what was observed."""

import hashlib
import json
from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from operator import not_
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from reconciler.errors import ExitCode, PlanError, worst
from reconciler.model.base import Frozen, canonical
from reconciler.model.durations import Span
from reconciler.model.inventory import Evidence
from reconciler.model.names import Digest, Repository, Tag

FORMAT_NAME = "reconciler-plan"
FORMAT_MAJOR = 1
MAX_PLAN_BYTES = 512 * 1024 * 1024
"""Largest plan file read, in bytes."""


GuardName = Literal["max_delete", "max_delete_percent", "never_empty"]


class Cause(StrEnum):
    """Why an image is kept or deleted; the first that applies, in this order."""

    PROTECTED = "protected"
    HELD = "held"
    RULE = "rule"
    UNMATCHED_TAG = "unmatched-tag"
    UNCOVERED = "uncovered"
    RETAINED = "retained"
    """The registry refused to delete it, and its tags and visibility have not changed since."""

    YOUNG = "min-age"
    NEEDED = "needed"
    """By itself it would be deleted, but a version that is kept needs it."""

    EXPIRED = "expired"
    FOLLOWS = "follows"
    """It is a follower: it is deleted with the last image that needed it."""


_ROW = ConfigDict(extra="forbid")
"""A file has no field that a row lacks. Rows have slots: a model takes 3 KiB for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One version as planning observed it. Units: `size` in bytes of image content, if known."""

    __pydantic_config__: ClassVar = _ROW

    tags: tuple[Tag, ...] = ()
    kind: str = ""
    size: int = 0
    pushed: datetime | None = None
    first_seen: datetime | None = None
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One deletion: which version, in which order, why, and what must still be true to delete it.

    Or one restoration: which version, and why it was deleted; `observed` is what it was then.

    Shape: `component` is the number of the image that this is a part of; changes of one component
        are adjacent, a document before the digests it refers to; for restorations, after them.
    """

    __pydantic_config__: ClassVar = _ROW

    key: str
    digest: Digest
    version_id: str = ""
    action: Literal["delete", "restore"] = "delete"
    component: int
    cause: Cause
    rules: tuple[str, ...] = ()
    """The rules that covered it; none of them keeps it."""

    reasons: tuple[str, ...] = ()
    observed: Observed
    until: Annotated[datetime | None, Field(exclude_if=not_)] = None
    """Until when the registry can restore it, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One image that is kept and that the plan lists, with the reasons."""

    __pydantic_config__: ClassVar = _ROW

    key: str
    tags: tuple[Tag, ...] = ()
    cause: Cause
    reasons: tuple[str, ...] = ()


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


class PolicySource(Frozen):
    """One policy file that went into a plan."""

    path: str
    sha256: str


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
        return _sha256(self._document())

    def to_bytes(self) -> bytes:
        """Write the plan as canonical JSON with its digest, one trailing newline."""
        return canonical({**self._document(), "digest": self.digest}) + b"\n"

    def _document(self) -> dict[str, Any]:
        summary = self.summary.model_dump(mode="json")
        return {**self.model_dump(mode="json"), "summary": summary}

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
    """Read a saved plan from the bytes of its file, and verify its digest.

    Raises: PlanError, when it is too large, not a plan, of an unknown major version or altered.
    """
    # A plan may come from another job or person, and is parsed in memory as a whole.
    if len(content) > MAX_PLAN_BYTES:
        raise PlanError(f"the plan is larger than {MAX_PLAN_BYTES} bytes")
    try:
        document = json.loads(content)
        version = str(document["format"]["version"])
        major = int(version.partition(".")[0])
        if (document["format"]["name"], major) != (FORMAT_NAME, FORMAT_MAJOR):
            raise PlanError(f"{document['format']['name']} {version} is not a plan this tool reads")
        # Checked on the document as written, before any field is interpreted.
        digest = document.pop("digest")
        if (written := _sha256(document)) != digest:
            raise PlanError(f"the plan was altered: it says {digest} and is {written}")
        for part in document["repositories"]:
            _rename(part)
        content_digest = _sha256(document)
        # The summary is computed from the rest, and checked by the digest below.
        del document["summary"]
        kind: type[Plan] = RestorePlan if document.get("undoes") else DeletionPlan
        plan = kind.model_validate_json(canonical(document))
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError) as error:
        reason = f"{error.error_count()} errors" if isinstance(error, ValidationError) else error
        raise PlanError(f"this is not a plan: {reason}") from error
    # A difference means that the file has a value which this model reads in another way or drops.
    if plan.digest != content_digest:
        raise PlanError(f"the plan was altered: it says {content_digest} and is {plan.digest}")
    return plan


def _rename(part: dict[str, Any]) -> None:
    """Replace the name of a repository by its canonical one; older releases wrote it as given."""
    spelled, name = part["repository"], Repository(part["repository"])
    if spelled == name:
        return
    part["repository"] = str(name)
    for named in (*part["changes"], *part["protected"], *part["retained"]):
        named["key"] = f"{name}{named['key'].removeprefix(spelled)}"


def _sha256(document: Any) -> str:
    return f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"
