"""Find out what became of what a dead run had begun, by asking the registry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.inventory import Version
from reconciler.model.journal import (
    Entry,
    Record,
    Result,
    head_of,
    is_restoration,
    open_intents,
    open_runs,
)
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader, RepositoryState

_RESULTS = {
    (False, True): Result.NOT_DONE,
    (False, False): Result.DELETED,
    (True, True): Result.RESTORED,
    (True, False): Result.NOT_DONE,
}
"""What became of an intent: by whether it restores, and whether the version is there."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A journal without open ends. Shape: `resolved` counts the intents that had no outcome."""

    records: Sequence[Record]
    resolved: int

    @property
    def head(self) -> str:
        """The hash of the last record, empty when there is none."""
        return head_of(self.records)


def settle(
    reader: RegistryReader, repository: Repository, state: RepositoryState, run: str, now: datetime
) -> Settled:
    """Resolve what dead runs left open, and write that down; needs the lock.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    records = list(state.records())
    found = list(resolve(reader, repository, records))
    if found:
        records.extend(state.append(run, now, found))
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
