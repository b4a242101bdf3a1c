"""Plan many repositories; one that cannot be read does not prevent the others.

The clock of this machine is compared with the registry's: with a wrong clock, ages mean nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.core.interrupted import leftovers
from reconciler.core.observations import known_observations, moved_tag_warning
from reconciler.core.planner import PlanningInput, RaisedLimits, plan_repository
from reconciler.engine.observe import observe
from reconciler.errors import EvidenceError, ReconcilerError
from reconciler.model.inventory import Observations
from reconciler.model.journal import Record, head_of
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan, RepositoryPlan, Unlisted
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, RegistryReader, State
from reconciler.model.sources import PolicySource

MAX_SKEW = timedelta(minutes=5)
"""How far the two clocks may differ before no age is trusted: synchronised ones differ by less than
a second, and the shortest age that a rule can name is an hour."""


@dataclass(frozen=True, slots=True)
class Target:
    """One repository, the policy that governs it, and its registry."""

    repository: Repository
    policy: Policy
    reader: RegistryReader
    retry_refused: bool = False
    """Whether versions that the registry refused to delete are tried again."""

    admit: Callable[[int], None] = lambda _: None
    """Called with the number of versions before all is read of them; waits until there is room."""


@dataclass(frozen=True, slots=True)
class PlanTimes:
    """The times of a plan. `evaluated` differs from `now` in a forecast."""

    now: datetime
    evaluated: datetime
    lasts: timedelta
    clock: Clock | None = None
    """The clock to compare with those of the registries; None to skip the comparison."""

    @property
    def is_forecast(self) -> bool:
        """Whether the plan is for another time than now."""
        return self.evaluated != self.now


@dataclass(frozen=True, slots=True)
class PlanSource:
    """Where a plan comes from: the tool, the policy files, and patterns that were not listed."""

    tool: str
    sources: Sequence[PolicySource]
    unlisted: Sequence[Unlisted] = ()
    paths: Sequence[str] = ()
    """The policy files and folders that were named, as they were typed."""


@dataclass(frozen=True, slots=True)
class PlannedRepository:
    """One part of a plan, and what it was planned from; None where that could not be read."""

    part: RepositoryPlan
    case: PlanningInput | None = None
    saved: Observations = field(default_factory=Observations)
    records: Sequence[Record] = ()
    """The observations and the journal as they are in the state."""

    skewed: str = ""
    """How far the clock of this machine differs from the registry's, if that is too far."""


def complete_plan(
    parts: Sequence[RepositoryPlan], times: PlanTimes, source: PlanSource
) -> DeletionPlan:
    """Put the parts of a plan together, with its times and its source."""
    return DeletionPlan(
        tool=source.tool,
        created_at=times.now,
        evaluated_at=times.evaluated,
        expires_at=times.now + times.lasts,
        forecast=times.is_forecast,
        policy=tuple(source.sources),
        policy_paths=tuple(source.paths),
        unlisted=tuple(source.unlisted),
        repositories=tuple(naming_unused(parts)),
    )


def naming_unused(parts: Sequence[RepositoryPlan]) -> Iterator[RepositoryPlan]:
    """Warn of rules that match no image in any repository of their policy, in the first one.

    No warning where a repository of the policy could not be read: it may have such images.
    """
    by_policy: dict[str, list[RepositoryPlan]] = {}
    for part in parts:
        by_policy.setdefault(part.policy, []).append(part)
    first = {
        policy: next((part for part in own if part.images), None)
        for policy, own in by_policy.items()
        if all(part.complete for part in own)
    }
    for part in parts:
        unused: set[str] = set()
        if part is first.get(part.policy):
            of_policy = [other for other in by_policy[part.policy] if other.images]
            unused = set.intersection(*(set(other.unused) for other in of_policy))
        warnings = part.warnings
        if unused:
            # In the order of the policy, with the usual reason.
            listed = ", ".join(name for name in part.unused if name in unused)
            warning = (
                f"no image matches {listed} of policy {part.policy}:"
                " patterns have to match whole tags, capitals and all"
            )
            warnings = (*warnings, warning)
        yield part.model_copy(update={"warnings": warnings})


def read_case(target: Target, state: State, now: datetime) -> PlanningInput:
    """Read one repository and its saved state.

    Raises: EvidenceError, when anything could not be read whole; AccessError; StateError.
    """
    own = state.of(target.repository)
    return case_of(target, own.observations(), own.records(), now)


def case_of(
    target: Target,
    saved: Observations,
    records: Sequence[Record],
    now: datetime,
    *,
    whole: bool = False,
) -> PlanningInput:
    """Read one repository, and put its policy, observations and journal beside it.

    A plan needs few documents, and may name too many versions. Before a deletion the `whole` of
    them is read: what would be deleted, and all that might list it or refer to it.

    Raises: EvidenceError, when anything could not be read whole; AccessError.
    """
    observations = known_observations(saved, records, retry_refused=target.retry_refused)
    inventory = observe(
        target.reader,
        target.repository,
        facts=target.policy.facts,
        observations=observations,
        opaque=target.policy.opaque,
        admit=target.admit,
        whole=whole,
    )
    return PlanningInput(
        policy=target.policy,
        inventory=inventory,
        observations=observations,
        now=now,
        undo=target.reader.capabilities.undo,
        leftovers=leftovers(records, inventory),
        head=head_of(records),
    )


def plan_target(
    target: Target, state: State, times: PlanTimes, allowed: RaisedLimits
) -> PlannedRepository:
    """Read and plan one repository; nothing is written anywhere.

    An error of ours makes its part incomplete, so that it does not prevent the others.
    """
    case: PlanningInput | None = None
    try:
        own = state.of(target.repository)
        saved, records = own.observations(), own.records()
        case = case_of(target, saved, records, times.evaluated)
        # A plan only warns of a wrong clock; `apply` refuses to delete (`check_clock`).
        skewed = skew(target.reader, times.clock()) if times.clock else ""
        doubts = [f"{skewed}, so every age is wrong: apply would refuse"] if skewed else []
        part = plan_repository(case, allowed)
        moved = moved_tag_warning(case.inventory, case.observations)
        warnings = (*doubts, *moved, *part.warnings)
        part = part.model_copy(update={"warnings": warnings})
        return PlannedRepository(part, case, saved, records, skewed)
    except ReconcilerError as error:
        part = incomplete(target.repository, error, policy=target.policy.name)
        return PlannedRepository(part, case)


def unlisted_by(pattern: str, policy: str, error: ReconcilerError) -> Unlisted:
    """Return the entry of a plan for a pattern that was not listed, and why."""
    return Unlisted(
        pattern=pattern,
        policy=policy,
        error=str(error),
        hint=error.hint,
        failure=error.exit_code,
    )


def incomplete(repository: Repository, error: ReconcilerError, *, policy: str) -> RepositoryPlan:
    """Return the part of a repository for which nothing is planned, and why."""
    return RepositoryPlan(
        repository=repository,
        policy=policy,
        complete=False,
        error=str(error),
        hint=error.hint,
        failure=error.exit_code,
    )


def skew(reader: RegistryReader, now: datetime) -> str:
    """Compare `now` with the time of the registry's last answer, if it sent one.

    Returns: how far they differ, as a sentence; empty where that is not too far.
    """
    server_time = reader.server_time()
    if server_time is None or abs(now - server_time) <= MAX_SKEW:
        return ""
    minutes = round(abs(now - server_time).total_seconds() / 60)
    way = "ahead of" if now > server_time else "behind"
    return f"this machine's clock is {minutes} minutes {way} the registry's"


def check_clock(reader: RegistryReader, now: datetime) -> None:
    """Compare the two clocks.

    Raises: EvidenceError, when they differ too much.
    """
    if difference := skew(reader, now):
        raise EvidenceError(
            difference,
            hint="Nothing was deleted: with a wrong clock an age rule deletes young images."
            " Set the clock and run again.",
        )
