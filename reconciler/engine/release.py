"""Release what an undo held, so that the policies decide on it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.history import deletions
from reconciler.core.holding import holds_of, with_holds
from reconciler.core.undo import companions
from reconciler.model.journal import Entry
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Holder, RepositoryState, State
from reconciler.model.reference import Mention

_RECORD = 500
"""Digests named in one record."""


@dataclass(frozen=True, slots=True)
class Released:
    """What was released in one repository."""

    repository: Repository
    digests: Sequence[Digest]


def release_holds(mentions: Sequence[Mention], state: State, holder: Holder) -> list[Released]:
    """Release what is mentioned, with what came back with it; everything if nothing is.

    Raises: LockedError, when a run is at work there; StateError.
    """
    return list(_released(mentions, state, holder))


def _released(mentions: Sequence[Mention], state: State, holder: Holder) -> Iterator[Released]:
    for repository in state.repositories():
        one = state.of(repository)
        if not _named(one, repository, mentions):
            continue
        with one.lock(holder):
            # Looked at again, since only now nobody else can change it.
            digests = sorted(_named(one, repository, mentions))
            one.append(holder.run, holder.since, _release_entries(digests, holder))
        yield Released(repository, digests)


def _named(
    state: RepositoryState, repository: Repository, mentions: Sequence[Mention]
) -> set[Digest]:
    records = state.records()
    seen = with_holds(state.observations(), records)
    return holds_of(seen, repository, mentions, companions(deletions(records)))


def _release_entries(digests: Sequence[Digest], holder: Holder) -> Iterator[Entry]:
    yield Entry("run_open", {"who": f"{holder.who}@{holder.where}", "changes": len(digests)})
    for start in range(0, len(digests), _RECORD):
        yield Entry("release", {"digests": list(digests[start : start + _RECORD])})
    yield Entry("run_close", {"reason": "done"})
