"""Copy a state into another backend, record by record, so that every hash stays what it is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reconciler.errors import StateError
from reconciler.model.journal import Entry, Record, head_of
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, RepositoryState, State

BATCH = 200
"""Records written in one go, at least."""


@dataclass(frozen=True, slots=True)
class CopyResult:
    """What was copied of one repository: how many records are new there, and the last hash."""

    repository: Repository
    records: int
    head: str


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
