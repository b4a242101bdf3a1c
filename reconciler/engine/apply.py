"""Apply a plan: delete what it names, one repository after the other, each under its own lock.

`apply_plan` is given a saved plan that `core.narrow.check_applicable` has accepted (step 1 of
docs/apply.md), or one that was just made, and a state that has proven writable (step 2). The other
steps follow in this order in each repository. What holds after each of them:

3. Lock: no other run changes this repository or its state.
4. Read the journal: every record is verified.
5. Settle interrupted runs: every intent has an outcome, and the plan was made with this journal.
   Where the plan was made in this process and deletes nothing, and nothing is to be restored, what
   the plan read is enough: step 12 follows.
6. Read again and narrow: each deletion that remains was planned, its version has not changed,
   today's policies expire it too, and nothing that is kept needs it. What interrupted runs deleted
   too early is restored, as step 5 promises, and all is read once more.
7. Check the guards: so many deletions are within the limits, as raised by whoever approved.
8. Check that deletion is possible: the token and the registry allow it, and the listing is whole.
   Until here nothing was deleted, and the journal says no more than what became of earlier runs.
9. to 11. Open the run; write intents, delete, write outcomes (engine/delete.py); close the run.
   Then what interrupted runs deleted of images that were kept is restored.
12. Save the observations: first seen, untagged since, refused by the registry.

A step that fails ends this repository with its error, and the next repository begins at step 3.
A crash at any instant leaves what the table "Killed at any instant" of docs/apply.md lists.

Not handled here: which versions expire (core/decide.py), what remains of a plan (core/narrow.py),
how records are made durable (state/), and how requests are paced and repeated (transport/).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from reconciler.core.interrupted import interrupted_runs
from reconciler.core.narrow import RemainingWork, check_state, narrow
from reconciler.core.planner import PlanningInput, RaisedLimits
from reconciler.engine.delete import Execution
from reconciler.engine.observations import updated_observations
from reconciler.engine.plan import Target, case_of, check_clock
from reconciler.engine.reading import Reading
from reconciler.engine.records import counts, settle
from reconciler.engine.restore import Companions
from reconciler.engine.run import Run
from reconciler.errors import (
    EvidenceError,
    GuardError,
    PlanError,
    ReconcilerError,
    StoppedError,
)
from reconciler.model.inventory import Inventory, Observations
from reconciler.model.journal import Record, Result, RunCloseBody, RunOpenBody, entry_of, head_of
from reconciler.model.names import Digest, Repository
from reconciler.model.plan import DeletionPlan, RepositoryPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Registry, RegistryReader, RepositoryState, State
from reconciler.model.results import Applied, Dropped, Outcome

_SOME_DELETED = "What was deleted before is in the journal. Run again when the registry answers."
"""Replaces the hint that says that nothing was deleted, where something was."""


@dataclass(frozen=True, slots=True)
class ApplyScope:
    """Which repositories an apply may change, and under which policies of today.

    `policy_for` returns None where no policy names a repository any more. An empty `only` stands
    for all repositories of the plan.
    """

    registry_for: Callable[[Repository], Registry]
    policy_for: Callable[[Repository], Policy | None]
    allowed: RaisedLimits
    only: Set[Repository] = frozenset()
    retry_refused: bool = False
    """Whether versions that the registry refused to delete are tried again."""

    origin_of: Callable[[Policy], Mapping[str, str]] = lambda _: {}
    """Returns where a policy comes from, for the journal."""

    readings: Mapping[Repository, Reading] = field(default_factory=dict)
    """What a plan that was just made has read of repositories in which it deletes nothing."""


def apply_plan(
    plan: DeletionPlan, scope: ApplyScope, state: State, run: Run
) -> tuple[Applied, ...]:
    """Apply each part of a plan; an error in one repository does not end the others.

    A part that is incomplete, or that a guard stopped, is left as it is.

    Raises: PlanError, for a plan that does not name a repository of `only`, and where no policy of
        today names any repository.
    """
    parts = {part.repository: part for part in plan.repositories}
    if absent := sorted(scope.only - parts.keys()):
        raise PlanError(
            f"the plan does not name {', '.join(absent)}",
            hint="`reconciler show PLAN` lists the repositories of a saved plan.",
        )
    wanted = sorted(scope.only or parts)
    # Usually `apply` runs in another folder than `plan` did: the plan names the files to give.
    if wanted and not any(_is_governed(repository, scope) for repository in wanted):
        paths = plan.policy_paths or [source.path for source in plan.policy]
        files = " ".join(paths) or "policies"
        raise PlanError(
            f"no policy found here names {wanted[0]}, nor any other repository of the plan",
            hint=f"Give --policies the files that it was made from: {files}.",
        )
    results: list[Applied] = []
    for repository in wanted:
        part = parts[repository]
        results.append(_apply_part(part, plan, scope, state, run))
    return tuple(results)


def _apply_part(
    part: RepositoryPlan, plan: DeletionPlan, scope: ApplyScope, state: State, run: Run
) -> Applied:
    """Apply one part of a plan, if it can be and the run is not to stop."""
    # `check_applicable` refuses a saved plan with such a part; a plan just made is not checked.
    if not part.complete or part.stopped:
        return Applied(part)
    if reason := run.halt():
        return Applied(part, stopped=reason)
    try:
        policy = scope.policy_for(part.repository)
        # Today's policies decide: an image of a repository that none of them names is kept.
        if policy is None:
            reason = "no policy names this repository any more"
            kept = [Dropped(change, Result.SKIPPED_CHANGED, reason) for change in part.changes]
            return Applied(part, dropped=kept)
        registry = scope.registry_for(part.repository)
        application = _Application(
            part, plan, policy, scope, registry, state.of(part.repository), run
        )
        return application.apply()
    except ReconcilerError as error:
        return Applied(part, error=error)


def _is_governed(repository: Repository, scope: ApplyScope) -> bool:
    """Whether a policy of today names a repository, or several contradict each other on it."""
    try:
        return scope.policy_for(repository) is not None
    except ReconcilerError:
        # The contradiction is the error of this repository, and no reason to refuse the others.
        return True


@dataclass
class _Application:
    """The steps in one repository, and how far they have come."""

    part: RepositoryPlan
    plan: DeletionPlan
    policy: Policy
    scope: ApplyScope
    registry: Registry
    state: RepositoryState
    run: Run

    resolved: int = 0
    head: str = ""
    dropped: Sequence[Dropped] = ()
    execution: Execution | None = None
    stopped: str = ""
    error: ReconcilerError | None = None

    def apply(self) -> Applied:
        """Take steps 3 to 12; an error of ours ends the repository and becomes part of the result.

        Returns: what was done until then.
        """
        try:
            # Step 3: lock. Everything below relies on being the only run here.
            with self.state.lock(self.run.holder):
                # Steps 4 and 5: read the journal, and settle what interrupted runs left open.
                settled = settle(
                    self.registry, self.part.repository, self.state, self.run.id, self.run.clock()
                )
                self.resolved, self.head = settled.resolved, settled.head
                check_state(self.part, self.plan.created_at, settled.records)
                interrupted = interrupted_runs(settled.records)
                companions = Companions(
                    self.registry, self.state, self.part.repository, self.run, interrupted
                )
                saved = self.state.observations()
                reading = self.scope.readings.get(self.part.repository)
                # Nothing was settled or written by another run since, so that only step 12 remains.
                if reading and self.head == self.part.state and reading.is_based_on(saved):
                    if reading.after is not None:
                        self.state.save_observations(reading.after)
                    return self._result()
                # Step 6: read the repository again, and narrow the plan to what still holds.
                case, work = self._read_and_restore(saved, settled.records, companions)
                self.dropped = work.dropped
                # Step 7: check the guards against the numbers of now.
                _check_guards(self.part, work)
                if work.components:
                    # Steps 8 to 11: check that deletion is possible, and delete.
                    self._delete(case.inventory, work)
                # A run that is to stop sends nothing more; the next one restores what is missing.
                if not self.stopped:
                    self._restore(companions, case.inventory, _absent(self.outcomes))
                # Step 12: save the observations.
                self._save_observations(saved, case)
        except StoppedError as error:
            self.stopped = str(error)
        except ReconcilerError as error:
            self.error = error
        return self._result()

    def _result(self) -> Applied:
        return Applied(
            self.part,
            outcomes=self.outcomes,
            dropped=self.dropped,
            resolved=self.resolved,
            head=self.head,
            run=self.run.id,
            stopped=self.stopped,
            error=self.error,
        )

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """How each deletion ended so far."""
        return tuple(self.execution.outcomes) if self.execution else ()

    def _read_and_restore(
        self, saved: Observations, records: Sequence[Record], companions: Companions
    ) -> tuple[PlanningInput, RemainingWork]:
        """Take step 6, and the end of step 5: restore what interrupted runs deleted too early."""
        case, work = self._read(saved, records)
        planned = {change.digest for component in work.components for change in component}
        # Step 7 will stop the repository: its companions are restored as if nothing were planned.
        if not all(guard.ok for guard in work.guards):
            planned = set()
        # Only the read shows whether the image of a signature is kept. What is restored may list
        # what was about to be deleted, so all is read once more.
        if restored := self._restore(companions, case.inventory, planned):
            case, work = self._read(saved, [*records, *restored])
        return case, work

    def _read(
        self, saved: Observations, records: Sequence[Record]
    ) -> tuple[PlanningInput, RemainingWork]:
        """Read the repository whole, and narrow the plan to what of it still holds.

        A plan was made from few documents. Before a deletion every document is read: a label in
        an index does not prove what a manifest lists or refers to.
        """
        target = Target(self.part.repository, self.policy, self.registry, self.scope.retry_refused)
        whole = bool(self.part.changes)
        case = case_of(target, saved, records, self.run.clock(), whole=whole)
        # After the read, since the registry's time comes with its responses.
        check_clock(self.registry, self.run.clock())
        return case, narrow(self.part, case, self.scope.allowed)

    def _restore(
        self, companions: Companions, inventory: Inventory, absent: Set[Digest]
    ) -> Sequence[Record]:
        """Restore companions of images that are kept; return the records of what was restored."""
        records = companions.restore_companions(inventory.versions.keys() - absent)
        self.head = head_of(records) or self.head
        return records

    def _delete(self, inventory: Inventory, work: RemainingWork) -> None:
        """Take steps 8 to 11.

        Raises: EvidenceError, where the registry may have versions that it does not list; and what
            the registry and the state raise.
        """
        # Step 8: check that deletion is possible, before anything is written down.
        self.registry.check_deletion(self.part.repository)
        if inventory.doubt:
            raise EvidenceError(
                f"{inventory.repository}: {inventory.doubt}",
                hint="Nothing was deleted in this repository. Use a token that may delete: GitHub"
                " lists the deleted versions for it, which explain the count.",
            )
        # Steps 9 to 11: write intents, delete, write outcomes.
        self._open_run(inventory, work)
        self.execution = Execution(
            self.registry, self.state, inventory, work.graph, self.run, work.components
        )
        self.execution.carry_out()
        self._close_run(self.execution)

    def _open_run(self, inventory: Inventory, work: RemainingWork) -> None:
        """Write that a run begins, for whoever reads the journal or undoes the run."""
        body = RunOpenBody(
            who=self.run.who,
            plan=self.plan.digest,
            policy=self.policy.name,
            changes=sum(map(len, work.components)),
            undo_days=undo_days(self.registry),
        )
        # Keys that are not given are not written: a plain registry reports no visibility.
        known = {"visibility": inventory.visibility} if inventory.visibility else {}
        body = body.model_copy(update={**known, **self.scope.origin_of(self.policy)})
        self.state.append(self.run.id, self.run.clock(), [entry_of(body)])

    def _close_run(self, execution: Execution) -> None:
        """Write that the run ended here, with its counts."""
        self.stopped, self.error = execution.stopped, execution.error
        # The usual hint says that nothing was deleted, which is wrong once something was.
        if self.error and self.error.hint == EvidenceError.hint and execution.has_deleted:
            self.error.hint = _SOME_DELETED
        body = RunCloseBody(counts=counts(execution.outcomes), reason=execution.stopped or "done")
        records = self.state.append(self.run.id, self.run.clock(), [entry_of(body)])
        self.head = records[-1].hash

    def _save_observations(self, saved: Observations, case: PlanningInput) -> None:
        """Save first-seen and untagged-since times, and what the registry refused."""
        refused = {
            outcome.change.digest: outcome.reason
            for outcome in self.outcomes
            if outcome.result is Result.RETAINED
        }
        observations = updated_observations(
            case.observations,
            case.inventory,
            now=self.run.clock(),
            gone=_absent(self.outcomes),
            refused=refused,
        )
        # On a remote state every write is a commit or a request: none without a change.
        if observations != saved:
            self.state.save_observations(observations)


def _check_guards(part: RepositoryPlan, work: RemainingWork) -> None:
    """Check the guards against the numbers of now.

    Raises: GuardError, with the option that raises each limit that is exceeded.
    """
    stopping = [guard for guard in work.guards if not guard.ok]
    if stopping:
        limits = "; ".join(
            f"{guard.name} is {guard.limit}, and it would be {guard.actual:.9g}"
            for guard in stopping
        )
        overrides = " ".join(guard.override for guard in stopping)
        raise GuardError(
            f"{part.repository}: {limits}",
            hint=f"Nothing was deleted. If this is intended, apply it with: {overrides}",
        )


def undo_days(reader: RegistryReader) -> int | None:
    """Return for how many days the registry can restore: 0 for not at all, None if unknown."""
    able = reader.capabilities
    return able.undo_for.days if able.undo_for else None if able.undo else 0


def _absent(outcomes: Iterable[Outcome]) -> set[Digest]:
    """Return what no longer exists by the last outcome of each version."""
    last = {outcome.change.digest: outcome.result for outcome in outcomes}
    return {digest for digest, result in last.items() if result in (Result.DELETED, Result.ABSENT)}
