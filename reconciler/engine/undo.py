"""Undo a run: plan from the journal what to restore, then restore it and hold it.

The hold is written before the restoration, so that no other run can delete the version again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.history import Attempt, deletions, last_deleting_run, late_deletions
from reconciler.core.narrow import check_state
from reconciler.core.undo import UndoInput, UndoRequest, narrow_restorations, plan_restorations
from reconciler.engine.plan import PlanTimes, incomplete
from reconciler.engine.records import counts, settle
from reconciler.engine.restore import Restoring
from reconciler.engine.run import Run
from reconciler.errors import PlanError, ReconcilerError
from reconciler.model.journal import Record, RunCloseBody, RunOpenBody, entry_of, head_of
from reconciler.model.names import Repository
from reconciler.model.plan import RepositoryPlan, RestorePlan
from reconciler.model.plan_rows import Change
from reconciler.model.ports import Registry, RegistryReader, RepositoryState, State
from reconciler.model.results import Applied, Dropped

ReaderFor = Callable[[Repository], RegistryReader]
RegistryFor = Callable[[Repository], Registry]


def last_run(state: State) -> str:
    """Return the run that deleted something last.

    Raises: PlanError, where none ever did.
    """
    journals = {repository: state.of(repository).records() for repository in state.repositories()}
    if run := last_deleting_run(journals):
        return run
    raise PlanError("no run has deleted anything", hint="There is nothing to undo.")


def draw_restorations(
    wanted: UndoRequest, state: State, reader_for: ReaderFor, *, moment: PlanTimes, tool: str
) -> RestorePlan:
    """Plan the restoration of a run's deletions; nothing is written anywhere.

    Raises: PlanError, when that run deleted nothing of what was asked for.
    """
    parts: list[RepositoryPlan] = []
    for repository in state.repositories():
        try:
            records = state.of(repository).records()
            sent = [*deletions(records), *late_deletions(records)]
            if any(wanted.includes(repository, attempt) for attempt in sent):
                case = _undo_input(reader_for(repository), repository, records, moment.now)
                parts.append(plan_restorations(case, wanted))
        except ReconcilerError as error:
            parts.append(incomplete(repository, error, policy=""))
    if not parts:
        raise PlanError(
            f"run {wanted.run} deleted nothing of that name",
            hint="`reconciler log list` lists the runs, `reconciler log show RUN` what one did.",
        )
    return RestorePlan(
        tool=tool,
        created_at=moment.now,
        evaluated_at=moment.evaluated,
        expires_at=moment.now + moment.lasts,
        undoes=wanted.run,
        retag=wanted.retag,
        repositories=tuple(parts),
    )


def apply_restorations(
    plan: RestorePlan, registry_for: RegistryFor, state: State, run: Run
) -> tuple[Applied, ...]:
    """Restore what each part of a plan names, each under its own lock, in sorted order.

    An error in one repository does not end the others.
    """
    parts = sorted(plan.repositories, key=lambda part: part.repository)
    return tuple(_apply_part(part, plan, registry_for, state, run) for part in parts)


def _undo_input(
    reader: RegistryReader, repository: Repository, records: Sequence[Record], now: datetime
) -> UndoInput:
    """Read which deletions of one repository the registry can restore.

    Raises: PlanError, where the registry cannot restore; AccessError; EvidenceError.
    """
    able = reader.capabilities
    if not able.undo:
        raise PlanError(
            f"{repository}: {repository.registry} cannot restore what was deleted",
            hint="Push the images again; `reconciler log show RUN` lists their tags and digests.",
        )
    # By id: a digest that was pushed again and deleted again has several deleted versions.
    restorable = {version.id: version for version in reader.deleted(repository)}
    late = [attempt for attempt in late_deletions(records) if attempt.version_id in restorable]
    return UndoInput(
        repository=repository,
        head=head_of(records),
        deletions=_with_children(reader, repository, [*deletions(records), *late]),
        restorable=restorable,
        live={version.digest: version for version in reader.listing(repository).versions},
        now=now,
        window=able.undo_for,
    )


def _with_children(
    reader: RegistryReader, repository: Repository, attempts: Sequence[Attempt]
) -> Sequence[Attempt]:
    """Read what an index lists where its journal may not name all of it.

    The document of a deleted version can only come from the cache. Where it is not there, the
    children remain unknown.
    """
    unnamed = [attempt.digest for attempt in attempts if attempt.has_unnamed_children]
    if not unnamed:
        return attempts
    manifests = reader.documents.manifests(repository, unnamed)
    listed = {
        digest: [child.digest for child in manifest.children if not child.is_blob]
        for digest, manifest in manifests.items()
        if manifest
    }
    return [
        replace(attempt, children_read=tuple(dict.fromkeys(listed[attempt.digest])))
        if attempt.digest in listed
        else attempt
        for attempt in attempts
    ]


def _apply_part(
    part: RepositoryPlan, plan: RestorePlan, registry_for: RegistryFor, state: State, run: Run
) -> Applied:
    """Restore what one part of a plan names, if it can be applied."""
    if not part.complete:
        return Applied(part)
    try:
        registry, own = registry_for(part.repository), state.of(part.repository)
        return _Undo(part, plan, registry, own, run).apply()
    except ReconcilerError as error:
        return Applied(part, error=error)


@dataclass
class _Undo:
    """The undo in one repository, and how far it has come."""

    part: RepositoryPlan
    plan: RestorePlan
    registry: Registry
    state: RepositoryState
    run: Run

    resolved: int = 0
    head: str = ""
    dropped: Sequence[Dropped] = ()
    restoring: Restoring | None = None
    stopped: str = ""
    error: ReconcilerError | None = None

    def apply(self) -> Applied:
        """Lock, settle interrupted runs, read again, narrow the plan, restore.

        Returns: what was done until an error of ours ended it.
        """
        try:
            with self.state.lock(self.run.holder):
                # Write outcomes for what interrupted runs left open, before this run adds intents.
                settled = settle(
                    self.registry, self.part.repository, self.state, self.run.id, self.run.clock()
                )
                self.resolved, self.head = settled.resolved, settled.head
                records = settled.records
                check_state(self.part, self.plan.created_at, records)
                case = _undo_input(self.registry, self.part.repository, records, self.run.clock())
                work, self.dropped = narrow_restorations(self.part, case, retag=self.plan.retag)
                if work:
                    self._restore(work, case)
        except ReconcilerError as error:
            self.error = error
        return Applied(
            self.part,
            outcomes=tuple(self.restoring.outcomes) if self.restoring else (),
            dropped=self.dropped,
            resolved=self.resolved,
            head=self.head,
            stopped=self.stopped,
            error=self.error,
        )

    def _restore(self, work: Sequence[Change], case: UndoInput) -> None:
        """Open the run in the journal, restore, and close it with its counts."""
        opening = RunOpenBody(
            who=self.run.who, plan=self.plan.digest, undoes=self.plan.undoes, changes=len(work)
        )
        self._write(opening)
        self.restoring = Restoring(
            self.registry,
            self.state,
            self.part.repository,
            self.run,
            live=case.live,
            tagged=case.tagged,
            retag=self.plan.retag,
        )
        self.restoring.carry_out(work)
        self.stopped, self.error = self.restoring.stopped, self.restoring.refusal
        reason = self.restoring.stopped or "done"
        self._write(RunCloseBody(counts=counts(self.restoring.outcomes), reason=reason))

    def _write(self, body: RunOpenBody | RunCloseBody) -> None:
        (written,) = self.state.append(self.run.id, self.run.clock(), [entry_of(body)])
        self.head = written.hash
