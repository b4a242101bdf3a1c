"""A plan: what would be deleted from each repository, why, and what was seen."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from operator import not_
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

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
    """Why an image stays or goes; the first that applies, in this order."""

    PROTECTED = "protected"
    HELD = "held"
    RULE = "rule"
    UNMATCHED_TAG = "unmatched-tag"
    UNCOVERED = "uncovered"
    RETAINED = "retained"
    """The registry refused to delete it before, and nothing has changed since."""

    YOUNG = "min-age"
    NEEDED = "needed"
    """Its own verdict was to go, and something that stays needs it."""

    EXPIRED = "expired"
    FOLLOWS = "follows"
    """It is no image of its own: it goes with the last one that needed it."""


class Observed(Frozen):
    """One version as the plan saw it. Units: `size` in bytes of image content, where known."""

    tags: tuple[Tag, ...] = ()
    kind: str = ""
    size: int = 0
    pushed: datetime | None = None
    first_seen: datetime | None = None
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


class Change(Frozen):
    """One deletion: which version, in which order, why, and what must still be true then.

    Or one restoration: of which version, and why it was deleted; `observed` is what it was then.

    Shape: `component` numbers the root whose deletion this belongs to; changes of one component
        stand together, whatever names a digest before what it names; restorations the other way.
    """

    key: str
    digest: Digest
    version_id: str = ""
    action: Literal["delete", "restore"] = "delete"
    component: int
    cause: Cause
    rules: tuple[str, ...] = ()
    """The rules that covered it; every one of them let it expire."""

    reasons: tuple[str, ...] = ()
    observed: Observed
    until: datetime | None = Field(None, exclude_if=not_)
    """How long the registry can restore it, where that is known."""


class Kept(Frozen):
    """One image worth naming although it stays, with the reason."""

    key: str
    tags: tuple[Tag, ...] = ()
    cause: Cause
    reasons: tuple[str, ...] = ()


class Guard(Frozen):
    """One limit held against the plan. Units: images, or percent of the repository's images."""

    name: GuardName
    limit: int
    actual: float
    ok: bool
    override: str = ""
    asked: bool = Field(default=False, exclude_if=not_)  # the limit is the override's


class TagFamily(Frozen):
    """Tags no rule knows, grouped by their shape: `customer-acme` and its like are kept."""

    pattern: str
    count: int
    example: Tag


class Waiting(Frozen):
    """Images that would go now were they not younger than `min_age`."""

    count: int
    until: datetime | None = None
    """When the first of them will be old enough; None when its age is unknown."""


class RepositoryPlan(Frozen):
    """The plan of one repository. An unreadable one has an `error` and no changes."""

    repository: Repository
    policy: str
    complete: bool
    error: str = ""
    hint: str = ""
    failure: ExitCode = ExitCode.OK
    """The exit code of what made it incomplete."""

    evidence: Evidence = Evidence()
    versions: int = 0
    images: int = 0
    state: str = Field("", exclude_if=not_)
    """The hash of the last record of the journal it was drawn with; empty while there was none."""

    listing: str = ""
    """sha256 of the listing: digests, tags and times, in one order."""

    min_age: Span = Span("24h")
    undo: bool = False
    """Whether the registry can restore what is deleted."""

    changes: tuple[Change, ...] = ()
    kept: dict[str, int] = {}
    """How many images stay, by the name of the rule or the cause that keeps them."""

    protected: tuple[Kept, ...] = ()
    retained: tuple[Kept, ...] = ()
    unmatched: tuple[TagFamily, ...] = ()
    waiting: Waiting | None = None
    guards: tuple[Guard, ...] = ()
    missing: tuple[str, ...] = ()
    """Images that lack something they list: broken before we came."""

    unused: tuple[str, ...] = Field((), exclude_if=not_)
    """The rules and protections whose patterns or digests find no image here."""

    warnings: tuple[str, ...] = ()

    @property
    def images_deleted(self) -> int:
        """How many images (roots) the changes remove, followers not counted."""
        return sum(change.cause is Cause.EXPIRED for change in self.changes)

    @property
    def stopped(self) -> bool:
        """Whether a guard stops it."""
        return any(not guard.ok for guard in self.guards)


class Unlisted(Frozen):
    """A pattern whose repositories the registry would not list, so that none of them is planned."""

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
    """The counts of the last line. Units: versions; `bytes` of image content, where known."""

    delete: int = 0
    keep: int = 0
    protected: int = 0
    incomplete: int = 0
    bytes: int = 0
    restore: int = Field(0, exclude_if=not_)


class PlanFormat(Frozen):
    """What kind of file this is; a reader refuses a major version it does not know."""

    name: Literal["reconciler-plan"] = "reconciler-plan"
    version: str = "1.0"


class Plan(Frozen):
    """What would be deleted, why, and what was seen; the same inputs give the same bytes.

    Or what would be restored of the deletions of one run.
    """

    format: PlanFormat = PlanFormat()
    tool: str
    created_at: datetime
    evaluated_at: datetime
    expires_at: datetime
    forecast: bool = False
    """Evaluated for another time than now: to be shown, never applied."""

    undoes: str = Field("", exclude_if=not_)
    """The run whose deletions it restores; empty for a plan that deletes."""

    retag: bool = Field(default=False, exclude_if=not_)
    """Whether tags that do not come back of themselves are attached where they are free."""

    policy: tuple[PolicySource, ...] = ()
    policy_paths: tuple[str, ...] = Field((), exclude_if=not_)
    """The policy files and folders that were named, as they were typed; empty in older plans."""

    unlisted: tuple[Unlisted, ...] = Field((), exclude_if=not_)
    repositories: tuple[RepositoryPlan, ...] = ()

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        """Refuse a plan that says it restores and deletes something, or the other way round."""
        action = "restore" if self.undoes else "delete"
        if any(change.action != action for part in self.repositories for change in part.changes):
            raise ValueError(f"a change is no {action}")
        return self

    @cached_property
    def summary(self) -> Summary:
        """The counts over all repositories."""
        changes = [change for part in self.repositories for change in part.changes]
        deletions = 0 if self.undoes else len(changes)
        return Summary(
            delete=deletions,
            restore=len(changes) - deletions,
            keep=sum(part.versions for part in self.repositories) - deletions,
            protected=sum(len(part.protected) for part in self.repositories),
            incomplete=sum(not part.complete for part in self.repositories) + len(self.unlisted),
            bytes=sum(change.observed.size for change in changes),
        )

    @property
    def outcome(self) -> ExitCode:
        """How a command that only shows this plan ends."""
        failures = [part.failure for part in self.repositories]
        failures += [unlisted.failure for unlisted in self.unlisted]
        stopped = [ExitCode.SAFETY_STOP for part in self.repositories if part.stopped]
        return worst(failures + stopped)

    @cached_property
    def digest(self) -> str:
        """The sha256 of everything else, as canonical JSON; it names the plan."""
        return _sha256(self._document())

    def to_bytes(self) -> bytes:
        """Write the plan as canonical JSON with its digest, one trailing newline."""
        return canonical({**self._document(), "digest": self.digest}) + b"\n"

    def _document(self) -> dict[str, Any]:
        summary = self.summary.model_dump(mode="json")
        return {**self.model_dump(mode="json"), "summary": summary}


def read_plan(content: bytes) -> Plan:
    """Read a saved plan from the very bytes that will be used, and verify its digest.

    Raises: PlanError, when it is too large, not a plan, of an unknown major version or altered.
    """
    if len(content) > MAX_PLAN_BYTES:
        raise PlanError(f"the plan is larger than {MAX_PLAN_BYTES} bytes")
    try:
        document = json.loads(content)
        version = str(document["format"]["version"])
        major = int(version.partition(".")[0])
        if (document["format"]["name"], major) != (FORMAT_NAME, FORMAT_MAJOR):
            raise PlanError(f"{document['format']['name']} {version} is not a plan this tool reads")
        digest = document.pop("digest")
        if (written := _sha256(document)) != digest:
            raise PlanError(f"the plan was altered: it says {digest} and is {written}")
        for part in document["repositories"]:
            _rename(part)
        content_digest = _sha256(document)
        del document["summary"]
        plan = Plan.model_validate_json(canonical(document))
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError) as error:
        reason = f"{error.error_count()} errors" if isinstance(error, ValidationError) else error
        raise PlanError(f"this is not a plan: {reason}") from error
    # What the plan does not hold would be lost without a word.
    if plan.digest != content_digest:
        raise PlanError(f"the plan was altered: it says {content_digest} and is {plan.digest}")
    return plan


def _rename(part: dict[str, Any]) -> None:
    """Give a repository its one name, which plans of earlier releases may spell otherwise."""
    spelled, name = part["repository"], Repository(part["repository"])
    if spelled == name:
        return
    part["repository"] = str(name)
    for named in (*part["changes"], *part["protected"], *part["retained"]):
        named["key"] = f"{name}{named['key'].removeprefix(spelled)}"


def _sha256(document: Any) -> str:
    return f"sha256:{hashlib.sha256(canonical(document)).hexdigest()}"
