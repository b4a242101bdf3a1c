"""Find out what became of what a dead run had begun, and bring back what it tore apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.history import Attempt
from reconciler.core.owed import half_done
from reconciler.model.inventory import Version
from reconciler.model.journal import (
    Entry,
    Record,
    Result,
    is_restoration,
    open_intents,
    open_runs,
)
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Registry, RegistryReader, RepositoryState

_RESULTS = {
    (False, True): Result.NOT_DONE,
    (False, False): Result.DELETED,
    (True, True): Result.RESTORED,
    (True, False): Result.NOT_DONE,
}
"""What became of an intent: by whether it restores, and whether the version is there."""

_REASON = "what it speaks of is still there"


@dataclass(frozen=True, slots=True)
class Settled:
    """A journal without open ends. Shape: `resolved` counts the intents that had no outcome."""

    records: Sequence[Record]
    resolved: int

    @property
    def head(self) -> str:
        """The hash of the last record, empty when there is none."""
        return self.records[-1].hash if self.records else ""


def settle(
    registry: Registry, repository: Repository, state: RepositoryState, run: str, now: datetime
) -> Settled:
    """Resolve what dead runs left open, make whole what they tore, and write it down.

    Needs the lock.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    records = list(state.records())
    found = list(resolve(registry, repository, records))
    if found:
        records.extend(state.append(run, now, found))
    back = list(_made_whole(registry, repository, state, records))
    if back:
        records.extend(state.append(run, now, back))
    return Settled(records, sum(entry.type == "resolve" for entry in found))


def resolve(
    reader: RegistryReader, repository: Repository, records: Sequence[Record]
) -> Iterator[Entry]:
    """Yield one `resolve` entry for each intent without outcome, and close the runs they are of.

    A version that is gone counts as deleted by the run that meant to; one that is still there
    was not, and nothing is sent again for it: a new plan may name it anew. One that was to be
    restored and is there counts as restored.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    for key, intent in open_intents(records).items():
        version = Version(Digest(intent.body["digest"]), id=str(intent.body.get("version_id", "")))
        found = reader.version(repository, version)
        result = _RESULTS[is_restoration(intent), found is not None]
        yield Entry("resolve", {**intent.body, "key": key, "result": result, "of": intent.run})
    for run in open_runs(records):
        yield Entry("run_close", {"of": run, "reason": "abandoned"})


def _made_whole(
    registry: Registry, repository: Repository, state: RepositoryState, records: Sequence[Record]
) -> Iterator[Entry]:
    """Restore what was deleted of images that are still there; yield what came back.

    If such an image is to go still, all of it goes again, and whole.

    Raises: AccessError, when the right is missing; EvidenceError; StoppedError.
    """
    halves = half_done(records) if registry.capabilities.undo else ()
    for half in halves:
        here = [a.digest for a in half.bereaved if registry.version(repository, _version(a))]
        for attempt in half.owed(here):
            if _is_back(registry, repository, state, _version(attempt)):
                told = {"result": Result.RESTORED, "reason": _REASON, "of": attempt.run}
                yield Entry("resolve", {**attempt.intent.body, **told})


def _is_back(
    registry: Registry, repository: Repository, state: RepositoryState, version: Version
) -> bool:
    """Restore one version, unless that is done: a run may have died before it was written down."""
    if registry.version(repository, version):
        return True
    registry.pace(1)
    state.confirm_lock()
    return registry.restore(repository, version).done


def _version(attempt: Attempt) -> Version:
    return Version(attempt.digest, id=attempt.version_id)
