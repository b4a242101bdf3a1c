"""Carry out the deletions of one repository, component by component, each one recorded."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.core.drift import drift
from reconciler.core.graph import Graph
from reconciler.core.walk import closure
from reconciler.engine.failures import FailureBudget
from reconciler.engine.intents import intent
from reconciler.engine.recheck import newly_referenced
from reconciler.errors import AccessError, EvidenceError, StoppedError
from reconciler.model.inventory import Inventory, Version
from reconciler.model.journal import Entry, Result
from reconciler.model.names import Digest
from reconciler.model.plan import Change
from reconciler.model.ports import Clock, Deletion, DeletionResult, Registry, RepositoryState

BATCH = 50
"""Deletions between two looks at the newest versions; also the intents in one append."""

MAX_REQUEST_ID = 200
"""Characters of a request id, which a registry chooses, in one outcome."""

_WORDLESS = "it gave no reason"
"""What is remembered of a refusal without words."""

Component = Sequence[Change]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one planned deletion ended, with the reason in words where it was not done."""

    change: Change
    result: Result
    reason: str = ""
    status: int = 0
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of `apply`: its id and who began it, its clock, when to stop, whom to tell.

    `halt` returns the reason to stop before the next deletion, empty to go on.
    """

    id: str
    who: str
    clock: Clock
    halt: Callable[[], str]
    report: Callable[[Outcome], None]


@dataclass
class Execution:
    """Deletes what is left of a plan in one repository, and keeps to what it learns on the way."""

    registry: Registry
    state: RepositoryState
    inventory: Inventory
    graph: Graph
    run: Run
    outcomes: list[Outcome]
    """How each deletion ended so far, whatever happens next."""

    stopped: str = ""
    """Why work was left, in words; empty when all was done."""

    _spared: set[Digest] = field(default_factory=set)
    _gone: dict[Digest, int] = field(default_factory=dict)
    """What was deleted, and where among the outcomes that is told."""

    _owed: list[Change] = field(default_factory=list)
    """What was deleted and must come back, since what it speaks of stays after all."""

    _budget: FailureBudget = field(default_factory=lambda: FailureBudget(0))
    _refusal: EvidenceError | AccessError | None = None

    def carry_out(self, components: Iterable[Component]) -> None:
        """Delete components in order until done, halted, or too much has failed.

        Raises: StateError, when an intent or outcome cannot be made durable; LockedError, when
            somebody broke the lock; EvidenceError or AccessError, when the registry stops
            answering or refuses, once that is recorded.
        """
        parts = list(components)
        self._budget = FailureBudget(sum(map(len, parts)))
        for batch in _batches(parts):
            if self._halted():
                return
            self._spare(newly_referenced(self.registry, self.inventory))
            intents = (self._intent(change) for part in batch for change in part)
            self.state.append(self.run.id, self.run.clock(), intents)
            for component in batch:
                self._component(component)
            if self._refusal:
                raise self._refusal

    def _halted(self) -> bool:
        self.stopped = self.stopped or self.run.halt()
        return bool(self.stopped)

    def _spare(self, digests: Iterable[Digest]) -> None:
        """Keep versions, and whatever stays because they stay; what of it is gone is owed."""
        spared = closure(self.graph.keeps, digests, beyond=self._spared)
        self._spared |= spared
        told = sorted((self._gone[digest] for digest in spared & self._gone.keys()), reverse=True)
        self._owed += [self.outcomes[place].change for place in told]

    def _component(self, component: Component) -> None:
        """Check a component as one, then delete it without a pause, and record how it went."""
        first = len(self.outcomes)
        try:
            for outcome in self._ended(component):
                self.outcomes.append(outcome)
                self.run.report(outcome)
        except StoppedError as error:
            self.stopped = str(error)
        except (EvidenceError, AccessError) as error:
            self._refusal, self.stopped = error, str(error)
        ended = {outcome.change.digest for outcome in self.outcomes[first:]}
        left = (change for change in component if change.digest not in ended)
        self.outcomes.extend(Outcome(change, Result.NOT_DONE, self.stopped) for change in left)
        self.state.note(self.run.id, self.run.clock(), map(told, self.outcomes[first:]))

    def _ended(self, component: Component) -> Iterator[Outcome]:
        if not self._halted():
            yield from self._in_one_go(component)
        yield from self._restored()

    def _in_one_go(self, component: Component) -> Iterator[Outcome]:
        self.registry.pace(len(component))
        listed = [self.inventory.versions[change.digest] for change in component]
        versions = self.registry.look(self.inventory.repository, listed)
        changed = [
            (change, words)
            for change in component
            if (found := versions.get(change.digest)) and (words := drift(change.observed, found))
        ]
        if changed:
            self._spare(change.digest for change in component)
            yield from (Outcome(change, Result.SKIPPED_CHANGED, why) for change, why in changed)
        skipped = {change.digest for change, _ in changed}
        for change in component:
            if change.digest not in skipped:
                yield from self._one(change, versions.get(change.digest))

    def _one(self, change: Change, found: Version | None) -> Iterator[Outcome]:
        """Delete one version unless something learned on the way forbids it."""
        if found is None:
            yield Outcome(change, Result.ABSENT, "the registry no longer has it")
        elif change.digest in self._spared:
            yield Outcome(change, Result.SKIPPED_REFERENCED, "something that stays needs it")
        else:
            yield from self._deleted(change, found)

    def _deleted(self, change: Change, found: Version) -> Iterator[Outcome]:
        self.state.confirm_lock()
        deletion = self.registry.delete(self.inventory.repository, found)
        outcome = self._outcome(change, found, deletion)
        yield outcome
        if outcome.result is Result.DELETED:
            self._gone[change.digest] = len(self.outcomes) - 1
        elif outcome.result is not Result.ABSENT:
            self._spare([change.digest])
            yield from self._restored()

    def _outcome(self, change: Change, found: Version, deletion: Deletion) -> Outcome:
        """Translate an answer; a lost one is resolved by reading, never by sending again."""
        if deletion.result is DeletionResult.LOST:
            result = self._resolved(found)
        else:
            result = Result(deletion.result)
        self.stopped = self._budget.note(result) or self.stopped
        reason = deletion.message or (_WORDLESS if result is Result.RETAINED else "")
        return Outcome(change, result, reason, deletion.status, deletion.request_id)

    def _resolved(self, found: Version) -> Result:
        """Look whether a deletion took effect; if that cannot be seen now, the next run looks."""
        try:
            still = self.registry.version(self.inventory.repository, found)
        except StoppedError as error:
            self.stopped = str(error)
            return Result.UNKNOWN
        except (EvidenceError, AccessError):
            return Result.UNKNOWN
        return Result.FAILED if still else Result.DELETED

    def _restored(self) -> Iterator[Outcome]:
        """Bring back what is owed, the last deleted first, where the registry can."""
        while self._owed:
            change = self._owed.pop(0)
            version = self.inventory.versions[change.digest]
            if self.registry.restore(self.inventory.repository, version).done:
                yield Outcome(change, Result.RESTORED, "what it speaks of stays")

    def _intent(self, change: Change) -> Entry:
        """Write down what is to go, and what of this repository it lists, for an undo."""
        here = self.inventory.versions.keys()
        return intent(change, [child for child in change.observed.children if child in here])


def _batches(components: Iterable[Component]) -> Iterator[list[Component]]:
    """Group components so that a group has at most BATCH deletions, or is a single component."""
    batch: list[Component] = []
    for component in components:
        if batch and sum(map(len, batch)) + len(component) > BATCH:
            yield batch
            batch = []
        batch.append(component)
    if batch:
        yield batch


def told(outcome: Outcome) -> Entry:
    """Write down how one change ended."""
    body = {
        "key": outcome.change.key,
        "digest": outcome.change.digest,
        "action": outcome.change.action,
        "result": outcome.result,
        "reason": outcome.reason,
        "status": outcome.status,
        "request_id": outcome.request_id[:MAX_REQUEST_ID],
    }
    return Entry("outcome", body)


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Count outcomes by result, for the journal and the last line."""
    return dict(sorted(Counter(str(outcome.result) for outcome in outcomes).items()))
