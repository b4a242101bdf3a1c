"""Input and findings of a scheduled check: overdue work, interrupted runs, broken images."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.causes import Cause
from reconciler.model.inventory import Version
from reconciler.model.journal import Record
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.plan import RepositoryPlan
from reconciler.model.ports import Holder


class Kind(StrEnum):
    """The kinds of findings, gravest first."""

    BROKEN = "broken-image"
    LOST_TAG = "lost-tag"
    DELETED_ELSEWHERE = "deleted-elsewhere"
    STALE_LOCK = "stale-lock"
    OPEN_RUN = "open-run"
    NOT_APPLIED = "not-applied"
    OVERDUE = "overdue"
    UNDO_CLOSING = "undo-closing"

    @property
    def is_alarm(self) -> bool:
        """Whether someone must act: an undo period that ends soon is normal, and no alarm."""
        return self is not Kind.UNDO_CLOSING


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One finding. Shape: `cure` is what to do; `examples` has one line for each case."""

    kind: Kind
    message: str
    cure: str
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthResult:
    """The findings in one repository, or the error that kept it from being read."""

    repository: Repository
    findings: tuple[HealthFinding, ...] = ()
    error: ReconcilerError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The error's exit code, or CHANGES where a finding is an alarm."""
        if self.error:
            return self.error.exit_code
        alarms = any(finding.kind.is_alarm for finding in self.findings)
        return ExitCode.CHANGES if alarms else ExitCode.OK


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How long each condition may last before it is a finding."""

    overdue: timedelta = timedelta(days=7)
    """How long images may be due for deletion."""

    last_apply: timedelta = timedelta(hours=48)
    """How long ago the last successful apply may be, while images were due for deletion."""

    lock: timedelta = timedelta(hours=6)
    """How long one run may hold a lock."""

    undo: timedelta = timedelta(days=3)
    """How long before an undo period ends it is reported."""


@dataclass(frozen=True)
class HealthInput:
    """One repository at one time: its state, and the registry's content where it was read.

    Shape: `case` is None where no policy governs the repository; `holder_ended` is whether the
        process that holds the lock is known to have ended.
    """

    repository: Repository
    now: datetime
    records: Sequence[Record]
    holder: Holder | None = None
    holder_ended: bool = False
    case: PlanningInput | None = None

    @cached_property
    def plan(self) -> RepositoryPlan | None:
        """What an apply would delete now.

        Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
        """
        return plan_repository(self.case, {}) if self.case else None

    @property
    def to_delete(self) -> frozenset[Digest]:
        """The images that the policy expires."""
        changes = self.plan.changes if self.plan else ()
        return frozenset(change.digest for change in changes if change.cause is Cause.EXPIRED)


def counted_verb(count: int, noun: str, singular: str, plural: str) -> str:
    """Write a number with its noun and verb, as in `1 image is` and `3 images are`."""
    return f"1 {noun} {singular}" if count == 1 else f"{count:,} {noun}s {plural}"


def version_name(version: Version) -> str:
    """Name a version by its tags and its digest."""
    return name_text(version.tags, version.digest)


def name_text(tags: tuple[Tag, ...], digest: str) -> str:
    """Write tags and a digest, as people name a version."""
    return " ".join(filter(None, (", ".join(tags), digest)))


def minute_text(when: datetime) -> str:
    """Write a time to the minute."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
