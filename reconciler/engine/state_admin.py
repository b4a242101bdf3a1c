"""Administer a state: copy it to another backend, break locks, check it for damage."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from reconciler.errors import LockedError, ReconcilerError, StateError
from reconciler.model.journal import Entry, LockBreakBody, Record, entry_of, head_of, open_intents
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, RepositoryState, State
from reconciler.model.results import CopyResult, LockStatus, StateCheck

BATCH = 200
"""Records written in one go, at least."""


def migrate(source: State, target: State, holder: Holder) -> Iterator[CopyResult]:
    """Copy every repository, under both its locks; one that was copied before goes on.

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
            there = target.records()
            if list(there) != list(records[: len(there)]):
                raise StateError(
                    f"{repository}: the target has a journal of its own",
                    hint="Choose an empty place. Two journals cannot become one.",
                )
            _write(target, records[len(there) :])
            target.save_observations(source.observations())
        if list(target.records()) != list(records):
            raise StateError(
                f"{repository}: what was copied does not read back the same",
                hint="Go on with the state where it was, and see `reconciler state doctor`.",
            )
    return CopyResult(repository, len(records) - len(there), head_of(records))


def _write(target: RepositoryState, records: Sequence[Record]) -> None:
    """Write records as they were appended: the same words at the same place have the same hash."""
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
    """Say of every repository that has a state who holds its lock."""
    return [
        LockStatus(repository, state.of(repository).holder()) for repository in state.repositories()
    ]


def break_locks(run: str, state: State, breaker: Holder) -> list[LockStatus]:
    """Break every lock that a run holds, and record it; none, where no lock is held at all.

    Raises: LockedError, when the locks that are held belong to other runs.
    """
    held = [(one.repository, one.holder) for one in locks(state) if one.holder]
    mine = [(repository, holder) for repository, holder in held if holder.run == run]
    if held and not mine:
        others = ", ".join(sorted({holder.run for _, holder in held}))
        raise LockedError(
            f"run {run} holds no lock; locks are held by {others}",
            hint="`reconciler lock status` tells more of them.",
        )
    return list(_broken(mine, state, breaker))


def _broken(
    held: Iterable[tuple[Repository, Holder]], state: State, breaker: Holder
) -> Iterator[LockStatus]:
    for repository, holder in held:
        one = state.of(repository)
        body = LockBreakBody(
            of=holder.run,
            who=breaker.address,
            holder=holder.address,
            process=holder.process,
        )
        with one.seize(breaker, holder.run):
            one.append(breaker.run, breaker.since, [entry_of(body)])
        yield LockStatus(repository, holder)


def examine(state: State) -> Iterator[StateCheck]:
    """Read and verify the journal and the observations of each repository."""
    for repository in state.repositories():
        yield _examined(state, repository)


def _examined(state: State, repository: Repository) -> StateCheck:
    one = state.of(repository)
    try:
        records = one.records()
        return StateCheck(
            repository,
            len(records),
            head_of(records),
            len(open_intents(records)),
            len(one.observations().digests),
            one.holder(),
        )
    except ReconcilerError as error:
        return StateCheck(repository, error=error)
