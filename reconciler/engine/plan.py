"""Plan many repositories; one that cannot be read does not hold back the others.

The clock of this machine is compared with the registry's: with a wrong clock, ages mean nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.interrupted import leftovers
from reconciler.core.observations import known_observations, moved_tag_warning
from reconciler.core.planner import PlanningInput, RaisedLimits, plan_repository
from reconciler.engine.observe import observe
from reconciler.errors import EvidenceError, ReconcilerError
from reconciler.model.inventory import Observations
from reconciler.model.journal import Record, head_of
from reconciler.model.names import Repository
from reconciler.model.plan import Plan, PolicySource, RepositoryPlan, Unlisted
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, RegistryReader, State

MAX_SKEW = timedelta(minutes=5)
"""How far the two clocks may be apart before no age is believed."""


@dataclass(frozen=True, slots=True)
class Target:
    """One repository, the policy it belongs to, and who reads it."""

    repository: Repository
    policy: Policy
    reader: RegistryReader
    retry_refused: bool = False
    """Whether versions that the registry refused to delete are tried again."""


@dataclass(frozen=True, slots=True)
class PlanTimes:
    """The times of a plan. `evaluated` differs from `now` in a forecast."""

    now: datetime
    evaluated: datetime
    lasts: timedelta
    clock: Clock | None = None
    """Tells the time on the way, to be held against the registries' clocks; None for not at all."""

    @property
    def is_forecast(self) -> bool:
        """Whether the plan speaks of another time than now."""
        return self.evaluated != self.now


@dataclass(frozen=True, slots=True)
class PlanSource:
    """Where a plan comes from: the tool and the policy files, and what these name in vain."""

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


def plan_each(
    targets: Iterable[Target], state: State, times: PlanTimes, allowed: RaisedLimits
) -> Iterator[PlannedRepository]:
    """Read and plan one repository after the other, sorted; nothing is written anywhere."""
    for target in sorted(targets, key=lambda target: target.repository):
        yield _plan(target, state, times, allowed)


def complete_plan(parts: Sequence[RepositoryPlan], times: PlanTimes, source: PlanSource) -> Plan:
    """Put the parts of a plan together, with its times and its source."""
    return Plan(
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


def draw_plan(
    targets: Iterable[Target],
    state: State,
    *,
    times: PlanTimes,
    source: PlanSource,
    allowed: RaisedLimits,
) -> Plan:
    """Read every repository and plan its deletions; nothing is written anywhere."""
    planned = plan_each(targets, state, times, allowed)
    return complete_plan([repository.part for repository in planned], times, source)


def naming_unused(parts: Sequence[RepositoryPlan]) -> Iterator[RepositoryPlan]:
    """Name what finds no image in any repository of its policy, in the first of them.

    Where a repository could not be read, what its policy names may be there.
    """
    by_policy: dict[str, list[RepositoryPlan]] = {}
    for part in parts:
        by_policy.setdefault(part.policy, []).append(part)
    for part in parts:
        of_policy = [other for other in by_policy[part.policy] if other.images]
        readable = all(other.complete for other in by_policy[part.policy])
        first = bool(of_policy) and part is of_policy[0] and readable
        unused = set.intersection(*(set(other.unused) for other in of_policy)) if first else set()
        yield part.model_copy(update={"warnings": (*part.warnings, *_unused(part, unused))})


def _unused(part: RepositoryPlan, names: Collection[str]) -> Iterator[str]:
    """Say what finds nothing, in the order of the policy, and what may be the reason."""
    if names:
        listed = ", ".join(name for name in part.unused if name in names)
        yield (
            f"no image matches {listed} of policy {part.policy}:"
            " patterns have to match whole tags, capitals and all"
        )


def read_case(target: Target, state: State, now: datetime) -> PlanningInput:
    """Read one repository and what the state knows of it.

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
    """Read one repository, with what earlier runs noted of it and wrote down.

    A plan gets by with few documents, and may name too much. Before anything is deleted, the
    `whole` of them is read: what goes, and whatever might list it or refer to it.

    Raises: EvidenceError, when anything could not be read whole; AccessError.
    """
    observations = known_observations(saved, records, retry_refused=target.retry_refused)
    inventory = observe(
        target.reader,
        target.repository,
        facts=target.policy.facts,
        seen=observations,
        opaque=target.policy.opaque,
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


def _plan(
    target: Target, state: State, times: PlanTimes, allowed: RaisedLimits
) -> PlannedRepository:
    """Plan one repository; an error of ours makes its part incomplete."""
    case: PlanningInput | None = None
    try:
        case = read_case(target, state, times.evaluated)
        skewed = _doubts(target.reader, times.clock)
        part = plan_repository(case, allowed)
        moved = moved_tag_warning(case.inventory, case.observations)
        warnings = (*skewed, *moved, *part.warnings)
        return PlannedRepository(part.model_copy(update={"warnings": warnings}), case)
    except ReconcilerError as error:
        part = incomplete(target.repository, error, policy=target.policy.name)
        return PlannedRepository(part, case)


def _doubts(reader: RegistryReader, clock: Clock | None) -> Iterator[str]:
    """Say so where the clocks are too far apart for any age to be believed."""
    if clock and (words := skew(reader, clock())):
        yield f"{words}, so every age is wrong: apply would refuse"


def unlisted_by(pattern: str, policy: str, error: ReconcilerError) -> Unlisted:
    """Say what a policy names in vain, and why."""
    return Unlisted(
        pattern=pattern,
        policy=policy,
        error=str(error),
        hint=error.hint,
        failure=error.exit_code,
    )


def incomplete(repository: Repository, error: ReconcilerError, *, policy: str) -> RepositoryPlan:
    """Plan nothing for a repository, and say why."""
    return RepositoryPlan(
        repository=repository,
        policy=policy,
        complete=False,
        error=str(error),
        hint=error.hint,
        failure=error.exit_code,
    )


def skew(reader: RegistryReader, now: datetime) -> str:
    """Compare `now` with the time the registry told with its last answer, if it told one.

    Returns: in words how far they are apart, empty where that is not too far.
    """
    told = reader.server_time()
    if told is None or abs(now - told) <= MAX_SKEW:
        return ""
    minutes = round(abs(now - told).total_seconds() / 60)
    way = "ahead of" if now > told else "behind"
    return f"this machine's clock is {minutes} minutes {way} the registry's"


def check_clock(reader: RegistryReader, now: datetime) -> None:
    """Hold the two clocks against each other.

    Raises: EvidenceError, when they are too far apart.
    """
    if words := skew(reader, now):
        raise EvidenceError(
            words,
            hint="Nothing was deleted: an age rule with a wrong clock deletes what is young."
            " Set the clock and run again.",
        )
