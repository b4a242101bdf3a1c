"""Look whether a state is whole, without changing it."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.errors import ReconcilerError
from reconciler.model.journal import head_of, open_intents
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, State


@dataclass(frozen=True, slots=True)
class StateCheck:
    """What is found of one repository. Shape: with an error, all else is unknown."""

    repository: Repository
    records: int = 0
    head: str = ""
    pending: int = 0
    """Intents without an outcome: work of a run that died, or is under way."""

    observed: int = 0
    holder: Holder | None = None
    error: ReconcilerError | None = None


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
