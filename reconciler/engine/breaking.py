"""Break the locks of a run that hangs: what it does from then on is of no effect."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.errors import LockedError
from reconciler.model.journal import Entry
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, State


@dataclass(frozen=True, slots=True)
class LockStatus:
    """The lock of one repository, and who holds it; None if nobody does."""

    repository: Repository
    holder: Holder | None


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
        body = {
            "of": holder.run,
            "who": f"{breaker.who}@{breaker.where}",
            "holder": f"{holder.who}@{holder.where}",
            "process": holder.process,
        }
        with one.seize(breaker, holder.run):
            one.append(breaker.run, breaker.since, [Entry("lock_break", body)])
        yield LockStatus(repository, holder)
