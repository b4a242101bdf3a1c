"""Bring back what a run deleted of images that stay after all, since it ended too early itself."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from reconciler.core.history import Attempt
from reconciler.core.owed import InterruptedRun
from reconciler.engine.bring_back import bring_back
from reconciler.engine.execute import Run
from reconciler.model.inventory import Version
from reconciler.model.journal import Entry, Record, Result
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Registry, RepositoryState

_REASON = "what it speaks of stays"


@dataclass(frozen=True, slots=True)
class Companions:
    """What earlier runs owe in one repository, as their journal tells; needs the lock."""

    registry: Registry
    state: RepositoryState
    repository: Repository
    run: Run
    halves: Sequence[InterruptedRun]
    _back: set[Digest] = field(default_factory=set)

    def restore_companions(self, staying: Set[Digest]) -> Sequence[Record]:
        """Restore what these versions lack, where the registry can; write down what came back.

        Raises: AccessError, when the right is missing; EvidenceError; StoppedError.
        """
        back = list(self._restored(staying)) if self.registry.capabilities.undo else []
        return self.state.append(self.run.id, self.run.clock(), back) if back else ()

    def _restored(self, staying: Set[Digest]) -> Iterator[Entry]:
        for half in self.halves:
            for attempt in half.to_restore(staying):
                if attempt.digest not in self._back and self._is_back(attempt):
                    self._back.add(attempt.digest)
                    told = {"result": Result.RESTORED, "reason": _REASON, "of": attempt.run}
                    yield Entry("resolve", {**attempt.intent.body, **told})

    def _is_back(self, attempt: Attempt) -> bool:
        """Restore one version, unless it is there: a run may die before it writes that down."""
        version = Version(attempt.digest, id=attempt.version_id)
        if self.registry.version(self.repository, version):
            return True
        self.registry.pace(self.repository, 1)
        return bring_back(self.registry, self.state, self.repository, version).done
