"""Administer a state: copy it to another backend, break locks, check it for damage."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from reconciler.errors import LockedError, ReconcilerError, StateError
from reconciler.model.journal import Entry, LockBreakBody, Record, entry_of, head_of, open_intents
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, RepositoryState, State
from reconciler.model.results import CopyResult, LockStatus, StateCheck

BATCH = 200
"""Records that are written in one append, at least."""


def migrate(source: State, target: State, holder: Holder) -> Iterator[CopyResult]:
    """Copy every repository, under both its locks; a copy that was interrupted is continued.

    Raises: StateError, when the target has a journal of its own, or does not read back the same;
        JournalError, when the source does not verify; LockedError.
    """
    target.check_writable()
    for repository in source.repositories():
        yield _copy(repository, source.of(repository), target.of(repository), holder)


def _copy(
    repository: Repository, source: RepositoryState, target: RepositoryState, holder: Holder
) -> CopyResult:
    with source.lock(holder):
        records = source.records()
        with target.lock(holder):
            # An interrupted copy is continued: what is there must be the beginning of the source.
            there = target.records()
            if list(there) != list(records[: len(there)]):
                raise StateError(
                    f"{repository}: the target has a journal of its own",
                    hint="Choose an empty target. Two journals cannot be merged.",
                )
            _write(target, records[len(there) :])
            target.save_observations(source.observations())
        # Read back as the next run will: a copy that differs must not be taken for the journal.
        if list(target.records()) != list(records):
            raise StateError(
                f"{repository}: what was copied does not read back the same",
                hint="Continue with the source, and see `reconciler state doctor`.",
            )
    return CopyResult(repository, len(records) - len(there), head_of(records))


def _write(target: RepositoryState, records: Sequence[Record]) -> None:
    """Write records as they were appended: the same content at the same place has the same hash."""
    waiting = 0
    for (run, moment), group in groupby(records, key=lambda record: (record.run, record.ts)):
        entries = [Entry(record.type, record.body) for record in group]
        waiting += len(entries)
        if waiting < BATCH:
            target.note(run, moment, entries)
        else:
            target.append(run, moment, entries)
            waiting = 0


def locks(state: State) -> list[LockStatus]:
    """Return the lock holder of every repository that has a state."""
    return [
        LockStatus(repository, state.of(repository).holder()) for repository in state.repositories()
    ]


def break_locks(run: str, state: State, breaker: Holder) -> list[LockStatus]:
    """Break every lock that a run holds, and record that. Without any lock, nothing is done.

    Raises: LockedError, when the locks that are held belong to other runs.
    """
    locked = [(status.repository, status.holder) for status in locks(state) if status.holder]
    mine = [(repository, holder) for repository, holder in locked if holder.run == run]
    if locked and not mine:
        others = ", ".join(sorted({holder.run for _, holder in locked}))
        raise LockedError(
            f"run {run} holds no lock; locks are held by {others}",
            hint="`reconciler lock status` lists them.",
        )
    for repository, holder in mine:
        own = state.of(repository)
        body = LockBreakBody(
            of=holder.run,
            who=breaker.address,
            holder=holder.address,
            process=holder.process,
        )
        # Seized, not only broken: otherwise another run could lock before the record is written.
        with own.seize(breaker, holder.run):
            own.append(breaker.run, breaker.since, [entry_of(body)])
    return [LockStatus(repository, holder) for repository, holder in mine]


def examine(state: State) -> Iterator[StateCheck]:
    """Read and verify the journal and the observations of each repository."""
    for repository in state.repositories():
        own = state.of(repository)
        try:
            records = own.records()
            checked = StateCheck(
                repository,
                len(records),
                head_of(records),
                len(open_intents(records)),
                len(own.observations().digests),
                own.holder(),
            )
        except ReconcilerError as error:
            checked = StateCheck(repository, error=error)
        yield checked
