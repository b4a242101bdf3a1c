"""Find out what became of deletions that a dead run had begun, by asking the registry."""

from collections.abc import Iterator, Sequence

from reconciler.model.inventory import Version
from reconciler.model.journal import Entry, Record, Result, open_intents, open_runs
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader


def resolve(
    reader: RegistryReader, repository: Repository, records: Sequence[Record]
) -> Iterator[Entry]:
    """Yield one `resolve` entry for each intent without outcome, and close the runs they are of.

    A version that is gone counts as deleted by the run that meant to; one that is still there
    was not, and nothing is sent again for it: a new plan may name it anew.

    Raises: EvidenceError, when the registry cannot be asked; then the intents stay open.
    """
    for key, intent in open_intents(records).items():
        version = Version(Digest(intent.body["digest"]), id=str(intent.body.get("version_id", "")))
        found = reader.version(repository, version)
        result = Result.NOT_DONE if found else Result.DELETED
        yield Entry("resolve", {**intent.body, "key": key, "result": result, "of": intent.run})
    for run in open_runs(records):
        yield Entry("run_close", {"of": run, "reason": "abandoned"})
