"""Apply a plan, repository by repository: lock, resolve, read again, narrow, delete, remember.

Source of the order of steps: docs/apply.md, which says for each step what a crash leaves behind.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.core.interrupted import interrupted_runs
from reconciler.core.narrow import RemainingWork, check_state, narrow
from reconciler.core.planner import PlanningInput, RaisedLimits
from reconciler.core.refusals import Recall, remembered
from reconciler.engine.delete import Execution, Run, counts
from reconciler.engine.plan import Target, case_of, check_clock
from reconciler.engine.records import remember, settle
from reconciler.engine.restore import Companions
from reconciler.errors import (
    AccessError,
    EvidenceError,
    GuardError,
    PlanError,
    ReconcilerError,
    StoppedError,
)
from reconciler.model.inventory import Inventory, Observations
from reconciler.model.journal import Entry, Record, Result, head_of
from reconciler.model.names import Digest, Repository
from reconciler.model.plan import Plan, RepositoryPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Holder, Registry, RegistryReader, RepositoryState, State
from reconciler.model.results import Applied, Dropped, Outcome

_SOME_DELETED = "What was deleted before is in the journal. Run again when the registry answers."
"""Replaces the hint that says that nothing was deleted, where something was."""


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What one repository's apply works from: the plan, its digest, and today's policy."""

    planned: RepositoryPlan
    digest: str
    drawn: datetime
    policy: Policy
    allowed: RaisedLimits
    recall: Recall = remembered
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where the policy comes from, for the journal."""


def apply_repository(
    approved: ApplyRequest, registry: Registry, state: RepositoryState, holder: Holder, run: Run
) -> Applied:
    """Delete what is approved and still may go; an error of ours ends this repository only."""
    applied = Applied(approved.planned, run=run.id)
    application = _Application(approved, registry, state, run, applied)
    try:
        with state.lock(holder):
            application.proceed()
    except StoppedError as error:
        applied.stopped = str(error)
    except ReconcilerError as error:
        applied.error = error
    return applied


@dataclass(frozen=True, slots=True)
class _Application:
    """One repository's apply, under its lock."""

    approved: ApplyRequest
    registry: Registry
    state: RepositoryState
    run: Run
    applied: Applied

    def proceed(self) -> None:
        """Resolve what dead runs left, look again, narrow, delete, and note what was seen."""
        planned, records = self.approved.planned, self._resolved()
        check_state(planned, self.approved.drawn, records)
        noted = self.state.observations()
        amends = Companions(
            self.registry, self.state, planned.repository, self.run, interrupted_runs(records)
        )
        case, work = self._look(noted, records)
        if back := self._make(amends, case.inventory.versions.keys() - _leaving(work)):
            # What came back may list what was about to go.
            case, work = self._look(noted, [*records, *back])
        self.applied.dropped = work.dropped
        _refuse_unsafe(self.approved.planned, work)
        if work.components:
            self.registry.check_deletion(planned.repository)
            _refuse_doubt(case.inventory)
            self._carry_out(case.inventory, work)
        if not self.applied.stopped:
            self._make(amends, case.inventory.versions.keys() - _gone(self.applied.outcomes))
        seen = _noted(case, self.applied, self.run)
        if seen != noted:
            self.state.save_observations(seen)

    def _resolved(self) -> Sequence[Record]:
        """Resolve what dead runs left; return the journal."""
        repository, run = self.approved.planned.repository, self.run
        settled = settle(self.registry, repository, self.state, run.id, run.clock())
        self.applied.resolved, self.applied.head = settled.resolved, settled.head
        return settled.records

    def _look(
        self, noted: Observations, records: Sequence[Record]
    ) -> tuple[PlanningInput, RemainingWork]:
        """Read the repository whole, and narrow the plan to what of it may still go.

        Nothing is deleted of which, or beside which, a document is unread: a label in an index
        says nothing about what a manifest lists or refers to.
        """
        approved = self.approved
        governed = Target(
            approved.planned.repository, approved.policy, self.registry, approved.recall
        )
        whole = bool(approved.planned.changes)
        case = case_of(governed, noted, records, self.run.clock(), whole=whole)
        check_clock(self.registry, self.run.clock())
        return case, narrow(approved.planned, case, approved.allowed)

    def _make(self, amends: Companions, staying: Set[Digest]) -> Sequence[Record]:
        """Make amends for what stays; return what was written of what came back."""
        written = amends.restore_companions(staying)
        self.applied.head = head_of(written) or self.applied.head
        return written

    def _carry_out(self, inventory: Inventory, work: RemainingWork) -> None:
        """Open the run in the journal, delete, and close it with its counts."""
        opening = {
            "who": self.run.who,
            "plan": self.approved.digest,
            "policy": self.approved.policy.name,
            "changes": sum(map(len, work.components)),
            "undo_days": undo_days(self.registry),
            **({"visibility": inventory.visibility} if inventory.visibility else {}),
            **self.approved.origin,
        }
        self.state.append(self.run.id, self.run.clock(), [Entry("run_open", opening)])
        execution = Execution(
            self.registry, self.state, inventory, work.graph, self.run, self.applied.outcomes
        )
        try:
            execution.carry_out(work.components)
        except (EvidenceError, AccessError) as error:
            self.applied.error, execution.stopped = error, str(error)
            if error.hint == EvidenceError.hint and execution.has_deleted:
                error.hint = _SOME_DELETED
        except StoppedError as error:
            execution.stopped = str(error)
        self.applied.stopped = execution.stopped
        closing = {"counts": counts(execution.outcomes), "reason": execution.stopped or "done"}
        records = self.state.append(self.run.id, self.run.clock(), [Entry("run_close", closing)])
        self.applied.head = records[-1].hash


def _leaving(work: RemainingWork) -> set[Digest]:
    """Return what is about to go: nothing, where a guard stops."""
    if not all(guard.ok for guard in work.guards):
        return set()
    return {change.digest for component in work.components for change in component}


def _refuse_unsafe(planned: RepositoryPlan, work: RemainingWork) -> None:
    """Hold the guards against the live numbers.

    Raises: GuardError, with the override of each guard that stops.
    """
    stopping = [guard for guard in work.guards if not guard.ok]
    if stopping:
        limits = "; ".join(
            f"{guard.name} is {guard.limit}, and it would be {guard.actual:.9g}"
            for guard in stopping
        )
        overrides = " ".join(guard.override for guard in stopping)
        raise GuardError(
            f"{planned.repository}: {limits}",
            hint=f"Nothing was deleted. If this is meant, apply it with: {overrides}",
        )


def _refuse_doubt(inventory: Inventory) -> None:
    """Refuse to delete beside versions that nobody can see.

    Raises: EvidenceError.
    """
    if inventory.doubt:
        raise EvidenceError(
            f"{inventory.repository}: {inventory.doubt}",
            hint="Nothing was deleted in this repository. Use a token that may delete: it is shown"
            " the deleted versions, which explain the count.",
        )


def undo_days(reader: RegistryReader) -> int | None:
    """Return for how many days the registry can restore: 0 for not at all, None if unknown."""
    able = reader.capabilities
    return able.undo_for.days if able.undo_for else None if able.undo else 0


def _noted(case: PlanningInput, applied: Applied, run: Run) -> Observations:
    refused = {
        outcome.change.digest: outcome.reason
        for outcome in applied.outcomes
        if outcome.result is Result.RETAINED
    }
    gone = _gone(applied.outcomes)
    return remember(case.observations, case.inventory, now=run.clock(), gone=gone, refused=refused)


def _gone(outcomes: Iterable[Outcome]) -> set[Digest]:
    """Return what is no longer there by the last word on each version."""
    last = {outcome.change.digest: outcome.result for outcome in outcomes}
    return {digest for digest, result in last.items() if result in (Result.DELETED, Result.ABSENT)}


@dataclass(frozen=True, slots=True)
class ApplyScope:
    """What an apply relies on: who changes which repository, and under which policy today.

    `policy_for` returns None where the policy files of today no longer name a repository. An
    empty `only` stands for all repositories of the plan.
    """

    registry_for: Callable[[Repository], Registry]
    policy_for: Callable[[Repository], Policy | None]
    allowed: RaisedLimits
    only: Set[Repository] = frozenset()
    recall: Recall = remembered
    origin_of: Callable[[Policy], Mapping[str, str]] = lambda _: {}
    """Tells where a policy comes from, for the journal."""


def apply_plan(
    plan: Plan, authority: ApplyScope, state: State, holder: Holder, run: Run
) -> tuple[Applied, ...]:
    """Apply each part of a plan; an error in one repository does not hold back the others.

    A part that is incomplete, or that a guard stops, is left as it is.

    Raises: PlanError, for a plan that restores, since nothing in it may be deleted, for one that
        does not name what is to be applied of it, and where the policies of today are other ones.
    """
    if plan.undoes:
        raise PlanError(f"the plan restores what run {plan.undoes} deleted; it deletes nothing")
    parts = {part.repository: part for part in plan.repositories}
    if absent := sorted(authority.only - parts.keys()):
        raise PlanError(
            f"the plan does not name {', '.join(absent)}",
            hint="`reconciler show` says which repositories it is for.",
        )
    wanted = sorted(authority.only or parts)
    if wanted and not any(_is_governed(one, authority) for one in wanted):
        raise PlanError(
            f"no policy found here names {wanted[0]}, nor any other repository of the plan",
            hint=f"Give --policies the files that it was drawn from: {_drawn_from(plan)}.",
        )
    return tuple(_apply(parts[one], plan, authority, state, holder, run) for one in wanted)


def _apply(
    part: RepositoryPlan,
    plan: Plan,
    authority: ApplyScope,
    state: State,
    holder: Holder,
    run: Run,
) -> Applied:
    if not part.complete or part.stopped:
        return Applied(part)
    if reason := run.halt():
        return Applied(part, stopped=reason)
    try:
        policy = authority.policy_for(part.repository)
        if policy is None:
            reason = "no policy names this repository any more"
            gone = (Dropped(change, Result.SKIPPED_CHANGED, reason) for change in part.changes)
            return Applied(part, dropped=tuple(gone))
        origin = authority.origin_of(policy)
        approved = ApplyRequest(
            planned=part,
            digest=plan.digest,
            drawn=plan.created_at,
            policy=policy,
            allowed=authority.allowed,
            recall=authority.recall,
            origin=origin,
        )
        registry = authority.registry_for(part.repository)
        return apply_repository(approved, registry, state.of(part.repository), holder, run)
    except ReconcilerError as error:
        return Applied(part, error=error)


def _drawn_from(plan: Plan) -> str:
    """Name the policies that a plan was drawn from, as they were typed."""
    return " ".join(plan.policy_paths or [source.path for source in plan.policy]) or "policies"


def _is_governed(repository: Repository, authority: ApplyScope) -> bool:
    """Whether the policies of today say anything of a repository, be it that they contradict."""
    try:
        return authority.policy_for(repository) is not None
    except ReconcilerError:
        return True
