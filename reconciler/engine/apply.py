"""Apply a plan to one repository: lock, resolve, read again, narrow, delete, remember.

Source of the order of steps: docs/apply.md, which says for each step what a crash leaves behind.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from reconciler.core.guards import Allowances
from reconciler.core.narrow import Dropped, Work, narrow
from reconciler.core.owed import half_done
from reconciler.core.planner import Case
from reconciler.engine.amends import Amends
from reconciler.engine.clock import check_clock
from reconciler.engine.execute import Execution, Outcome, Run, counts
from reconciler.engine.observe import observe
from reconciler.engine.remember import remember
from reconciler.engine.resolve import settle
from reconciler.errors import (
    AccessError,
    EvidenceError,
    ExitCode,
    GuardError,
    ReconcilerError,
    StoppedError,
)
from reconciler.model.inventory import Inventory
from reconciler.model.journal import Entry, Result
from reconciler.model.names import Digest
from reconciler.model.observations import Observations
from reconciler.model.plan import RepositoryPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Holder, Registry, RegistryReader, RepositoryState


@dataclass(frozen=True, slots=True)
class Approved:
    """What one repository's apply works from: the plan, its digest, and today's policy."""

    planned: RepositoryPlan
    digest: str
    policy: Policy
    allowed: Allowances
    origin: Mapping[str, str] = field(default_factory=dict)
    """Where the policy comes from, for the journal."""


@dataclass
class Applied:
    """What an apply did in one repository, and the error that ended it, if one did."""

    planned: RepositoryPlan
    outcomes: list[Outcome] = field(default_factory=list)
    dropped: Sequence[Dropped] = ()
    resolved: int = 0
    head: str = ""
    """The hash of the journal's last record."""

    run: str = ""
    stopped: str = ""
    error: ReconcilerError | None = None

    @property
    def exit_code(self) -> ExitCode:
        """How it ended: an error's own code, or whether something failed."""
        if self.error:
            return self.error.exit_code
        return ExitCode.PARTIAL if any(map(self._is_failure, self.outcomes)) else ExitCode.OK

    @property
    def can_be_undone(self) -> bool:
        """Whether it deleted something that the registry can restore."""
        deleted = any(outcome.result is Result.DELETED for outcome in self.outcomes)
        return deleted and self.planned.undo

    def _is_failure(self, outcome: Outcome) -> bool:
        """Whether an outcome is not what was meant; what a clean stop leaves is no failure."""
        if outcome.result is Result.NOT_DONE:
            return outcome.reason != self.stopped
        return outcome.result in (Result.FAILED, Result.UNKNOWN)


def apply_repository(
    approved: Approved, registry: Registry, state: RepositoryState, holder: Holder, run: Run
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

    approved: Approved
    registry: Registry
    state: RepositoryState
    run: Run
    applied: Applied

    def proceed(self) -> None:
        """Resolve what dead runs left, look again, narrow, delete, and note what was seen."""
        repository, amends = self.approved.planned.repository, self._resolved()
        seen = self.state.observations()
        inventory, work = self._look(seen)
        if self._make(amends, inventory.versions.keys() - _leaving(work)):
            # What came back may list what was about to go.
            inventory, work = self._look(seen)
        self.applied.dropped = work.dropped
        _refuse_unsafe(self.approved.planned, work)
        if work.components:
            self.registry.check_deletion(repository)
            self._carry_out(inventory, work)
        if not self.applied.stopped:
            self._make(amends, inventory.versions.keys() - _gone(self.applied.outcomes))
        noted = _noted(seen, inventory, self.applied, self.run)
        if noted != seen:
            self.state.save_observations(noted)

    def _resolved(self) -> Amends:
        """Resolve what dead runs left; return what they owe."""
        repository, run = self.approved.planned.repository, self.run
        settled = settle(self.registry, repository, self.state, run.id, run.clock())
        self.applied.resolved, self.applied.head = settled.resolved, settled.head
        return Amends(self.registry, self.state, repository, run, half_done(settled.records))

    def _look(self, seen: Observations) -> tuple[Inventory, Work]:
        """Read the repository whole, and narrow the plan to what of it may still go."""
        policy, registry = self.approved.policy, self.registry
        repository = self.approved.planned.repository
        inventory = observe(registry, repository, facts=policy.facts, seen=seen)
        check_clock(registry, self.run.clock())
        case = Case(policy, inventory, seen, self.run.clock(), registry.capabilities.undo)
        return inventory, narrow(self.approved.planned, case, self.approved.allowed)

    def _make(self, amends: Amends, staying: Set[Digest]) -> bool:
        """Make amends for what stays; tell whether anything came back."""
        written = amends.make(staying)
        if written:
            self.applied.head = written[-1].hash
        return bool(written)

    def _carry_out(self, inventory: Inventory, work: Work) -> None:
        """Open the run in the journal, delete, and close it with its counts."""
        opening = {
            "who": self.run.who,
            "plan": self.approved.digest,
            "policy": self.approved.policy.name,
            "changes": sum(map(len, work.components)),
            "undo_days": undo_days(self.registry),
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
        except StoppedError as error:
            execution.stopped = str(error)
        self.applied.stopped = execution.stopped
        closing = {"counts": counts(execution.outcomes), "reason": execution.stopped or "done"}
        records = self.state.append(self.run.id, self.run.clock(), [Entry("run_close", closing)])
        self.applied.head = records[-1].hash


def _leaving(work: Work) -> set[Digest]:
    """Return what is about to go: nothing, where a guard stops."""
    if not all(guard.ok for guard in work.guards):
        return set()
    return {change.digest for component in work.components for change in component}


def _refuse_unsafe(planned: RepositoryPlan, work: Work) -> None:
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
            hint=f"Nothing was deleted. If this is meant, plan again with: {overrides}",
        )


def undo_days(reader: RegistryReader) -> int | None:
    """Return for how many days the registry can restore: 0 for not at all, None if unknown."""
    able = reader.capabilities
    return able.undo_for.days if able.undo_for else None if able.undo else 0


def _noted(seen: Observations, inventory: Inventory, applied: Applied, run: Run) -> Observations:
    refused = {
        outcome.change.digest: outcome.reason
        for outcome in applied.outcomes
        if outcome.result is Result.RETAINED
    }
    gone = _gone(applied.outcomes)
    return remember(seen, inventory, now=run.clock(), gone=gone, refused=refused)


def _gone(outcomes: Iterable[Outcome]) -> set[Digest]:
    """Return what is no longer there by the last word on each version."""
    last = {outcome.change.digest: outcome.result for outcome in outcomes}
    return {digest for digest, result in last.items() if result in (Result.DELETED, Result.ABSENT)}
