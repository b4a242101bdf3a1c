"""Take back what a run deleted: plan it from the journal, then restore it, and hold it.

What was restored is held before it is there, so that no run in between can delete it again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.history import Attempt, deletions, last_deleting_run, late_deletions
from reconciler.core.narrow import check_state
from reconciler.core.undo import UndoInput, UndoRequest, narrow_restorations, plan_restorations
from reconciler.engine.delete import Run, counts
from reconciler.engine.plan import PlanTimes, incomplete
from reconciler.engine.records import settle
from reconciler.engine.restore import Restoring
from reconciler.errors import PlanError, ReconcilerError
from reconciler.model.journal import Record, RunCloseBody, RunOpenBody, entry_of, head_of
from reconciler.model.manifest import Manifest
from reconciler.model.names import Repository
from reconciler.model.plan import Change, Plan, RepositoryPlan
from reconciler.model.ports import Holder, Registry, RegistryReader, RepositoryState, State
from reconciler.model.results import Applied

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
) -> Plan:
    """Plan what to restore of a run's deletions; nothing is written anywhere.

    Raises: PlanError, when no deletion of that run is what was asked for.
    """
    parts = tuple(_parts(wanted, state, reader_for, moment.now))
    if not parts:
        raise PlanError(
            f"run {wanted.run} deleted nothing of that name",
            hint="`reconciler log list` names the runs, `reconciler log show` what each one did.",
        )
    return Plan(
        tool=tool,
        created_at=moment.now,
        evaluated_at=moment.evaluated,
        expires_at=moment.now + moment.lasts,
        undoes=wanted.run,
        retag=wanted.retag,
        repositories=parts,
    )


def apply_restorations(
    plan: Plan, registry_for: RegistryFor, state: State, holder: Holder, run: Run
) -> tuple[Applied, ...]:
    """Restore what each part of a plan names, each under its own lock, in sorted order.

    An error in one repository does not hold back the others.
    """
    parts = sorted(plan.repositories, key=lambda part: part.repository)
    return tuple(_apply(part, plan, registry_for, state, holder, run) for part in parts)


def _parts(
    wanted: UndoRequest, state: State, reader_for: ReaderFor, now: datetime
) -> Iterator[RepositoryPlan]:
    for repository in state.repositories():
        try:
            records = state.of(repository).records()
            sent = [*deletions(records), *late_deletions(records)]
            if any(wanted.includes(repository, attempt) for attempt in sent):
                remains = _remains(reader_for(repository), repository, records, now)
                yield plan_restorations(remains, wanted)
        except ReconcilerError as error:
            yield incomplete(repository, error, policy="")


def _remains(
    reader: RegistryReader, repository: Repository, records: Sequence[Record], now: datetime
) -> UndoInput:
    """Read what is left of the deletions in one repository.

    Raises: PlanError, where the registry cannot restore; AccessError; EvidenceError.
    """
    able = reader.capabilities
    if not able.undo:
        raise PlanError(
            f"{repository}: {repository.registry} cannot restore what was deleted",
            hint="Push the images again; `reconciler log show` tells their tags and digests.",
        )
    held = {version.id: version for version in reader.deleted(repository)}
    late = [attempt for attempt in late_deletions(records) if attempt.version_id in held]
    return UndoInput(
        repository=repository,
        head=head_of(records),
        deletions=_with_children(reader, repository, [*deletions(records), *late]),
        restorable=held,
        live={version.digest: version for version in reader.listing(repository).versions},
        now=now,
        window=able.undo_for,
    )


def _with_children(
    reader: RegistryReader, repository: Repository, attempts: Sequence[Attempt]
) -> Sequence[Attempt]:
    """Read what an index lists where its journal may not name all of it.

    The document of a deleted version is in the cache at best; where it is not, the children stay
    unnamed.
    """
    unnamed = [attempt.digest for attempt in attempts if attempt.has_unnamed_children]
    if not unnamed:
        return attempts
    found = reader.documents.manifests(repository, unnamed)
    return [_read(attempt, found.get(attempt.digest)) for attempt in attempts]


def _read(attempt: Attempt, manifest: Manifest | None) -> Attempt:
    if manifest is None:
        return attempt
    listed = (child.digest for child in manifest.children if not child.is_blob)
    return replace(attempt, children_read=tuple(dict.fromkeys(listed)))


def _apply(
    part: RepositoryPlan,
    plan: Plan,
    registry_for: RegistryFor,
    state: State,
    holder: Holder,
    run: Run,
) -> Applied:
    applied = Applied(part)
    if not part.complete:
        return applied
    try:
        one = _Undo(plan, registry_for(part.repository), state.of(part.repository), run, applied)
        with one.state.lock(holder):
            one.proceed()
    except ReconcilerError as error:
        applied.error = error
    return applied


@dataclass(frozen=True, slots=True)
class _Undo:
    """The undo in one repository, under its lock."""

    plan: Plan
    registry: Registry
    state: RepositoryState
    run: Run
    applied: Applied

    def proceed(self) -> None:
        """Settle what dead runs left, look again, narrow, restore."""
        repository, run = self.applied.planned.repository, self.run
        settled = settle(self.registry, repository, self.state, run.id, run.clock())
        self.applied.resolved, self.applied.head = settled.resolved, settled.head
        check_state(self.applied.planned, self.plan.created_at, settled.records)
        remains = _remains(self.registry, repository, settled.records, run.clock())
        work, self.applied.dropped = narrow_restorations(
            self.applied.planned, remains, retag=self.plan.retag
        )
        if work:
            self._carry_out(work, remains)

    def _carry_out(self, work: tuple[Change, ...], remains: UndoInput) -> None:
        """Open the run in the journal, restore, and close it with its counts."""
        opening = RunOpenBody(
            who=self.run.who, plan=self.plan.digest, undoes=self.plan.undoes, changes=len(work)
        )
        self._record(opening)
        restoring = Restoring(
            self.registry,
            self.state,
            remains.repository,
            self.run,
            live=remains.live,
            tagged=remains.tagged,
            retag=self.plan.retag,
            outcomes=self.applied.outcomes,
        )
        restoring.carry_out(work)
        self.applied.stopped, self.applied.error = restoring.stopped, restoring.refusal
        reason = restoring.stopped or "done"
        self._record(RunCloseBody(counts=counts(restoring.outcomes), reason=reason))

    def _record(self, body: RunOpenBody | RunCloseBody) -> None:
        (written,) = self.state.append(self.run.id, self.run.clock(), [entry_of(body)])
        self.applied.head = written.hash
