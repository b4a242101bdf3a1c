"""Plan many repositories; one that cannot be read does not hold back the others.

The clock of this machine is compared with the registry's: with a wrong clock, ages mean nothing.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.interrupted import leftovers
from reconciler.core.moves import moved_tag_warning
from reconciler.core.planner import PlanningInput, RaisedLimits, plan_repository
from reconciler.core.refusals import Recall, remembered
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
    recall: Recall = remembered


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


def draw_plan(
    governed: Iterable[Target],
    state: State,
    *,
    moment: PlanTimes,
    origin: PlanSource,
    allowed: RaisedLimits,
    look: Callable[[PlanningInput], None] = lambda _: None,
) -> Plan:
    """Read every repository and plan its deletions; nothing is written anywhere.

    Whoever wants to `look` is shown each case that was read, before it is planned.
    """
    ordered = sorted(governed, key=lambda one: one.repository)
    parts = [_plan(one, state, moment, allowed, look) for one in ordered]
    return Plan(
        tool=origin.tool,
        created_at=moment.now,
        evaluated_at=moment.evaluated,
        expires_at=moment.now + moment.lasts,
        forecast=moment.is_forecast,
        policy=tuple(origin.sources),
        policy_paths=tuple(origin.paths),
        unlisted=tuple(origin.unlisted),
        repositories=tuple(naming_unused(parts)),
    )


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


def read_case(one: Target, state: State, now: datetime) -> PlanningInput:
    """Read one repository and what the state knows of it.

    Raises: EvidenceError, when anything could not be read whole; AccessError; StateError.
    """
    own = state.of(one.repository)
    return case_of(one, own.observations(), own.records(), now)


def case_of(
    one: Target,
    noted: Observations,
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
    seen = one.recall(noted, records)
    inventory = observe(
        one.reader,
        one.repository,
        facts=one.policy.facts,
        seen=seen,
        opaque=one.policy.opaque,
        whole=whole,
    )
    return PlanningInput(
        policy=one.policy,
        inventory=inventory,
        observations=seen,
        now=now,
        undo=one.reader.capabilities.undo,
        leftovers=leftovers(records, inventory),
        head=head_of(records),
    )


def _plan(
    one: Target,
    state: State,
    moment: PlanTimes,
    allowed: RaisedLimits,
    look: Callable[[PlanningInput], None],
) -> RepositoryPlan:
    """Plan one repository; what cannot be read whole becomes an incomplete part, never a crash."""
    try:
        case = read_case(one, state, moment.evaluated)
        doubts = _doubts(one.reader, moment.clock)
        look(case)
        part = plan_repository(case, allowed)
        gaps = moved_tag_warning(case.inventory, case.observations)
        return part.model_copy(update={"warnings": (*doubts, *gaps, *part.warnings)})
    except ReconcilerError as error:
        return incomplete(one.repository, error, policy=one.policy.name)


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
