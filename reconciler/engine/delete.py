"""Delete the planned versions of one repository, component by component, each one recorded.

What was pushed or tagged since the inventory was read is read again first; after too many failures
the repository is left to the next run.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, groupby

from reconciler.core.graph import Graph
from reconciler.core.narrow import drift
from reconciler.core.walk import closure
from reconciler.engine.bring_back import bring_back
from reconciler.engine.failure_limit import FailureBudget
from reconciler.engine.recheck import Recheck
from reconciler.engine.records import intents
from reconciler.errors import AccessError, EvidenceError, PostponedError, StoppedError
from reconciler.model.inventory import Inventory, Version
from reconciler.model.journal import Entry, Result
from reconciler.model.names import Digest
from reconciler.model.plan import Change
from reconciler.model.ports import (
    FRESH_SECONDS,
    MAX_REQUEST_ID,
    SENDING_SECONDS,
    TOGETHER,
    Clock,
    Deletion,
    DeletionResult,
    Registry,
    RepositoryState,
)
from reconciler.model.results import Outcome

BATCH = 50
"""Deletions, about, whose intents are written in one append."""

AGAIN = 2
"""How often, at the end of a run, is tried again what a limit or a passing failure held up."""

MAX_REFUSALS = 10
"""Refusals by a limit, one after another, after which the rest waits for the end of the run."""

MAX_SLOW_LOOKS = 8
"""Looks, one after another, that were too old when they ended before a repository is left."""

_WORDLESS = "it gave no reason"
"""What is remembered of a refusal without words."""

_NEEDED = "something that stays needs it"

Component = Sequence[Change]


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
    monotonic: Callable[[], float] = time.monotonic
    """The steady clock that the age of a look is measured by, in seconds."""


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

    _components: list[Component] = field(default_factory=list)
    _parts: dict[Digest, int] = field(default_factory=dict)
    """The number of the component that each version goes with."""

    _changes: dict[Digest, Change] = field(default_factory=dict)
    _announced: set[Digest] = field(default_factory=set)
    """What has an intent in the journal and no outcome after it."""

    _begun: set[int] = field(default_factory=set)
    """Components all of whose members were looked at."""

    _cut: set[int] = field(default_factory=set)
    """Components of which something is gone."""

    _gone: dict[Digest, Change] = field(default_factory=dict)
    """What was deleted, in that order."""

    _drifted: dict[Digest, str] = field(default_factory=dict)
    _spared: set[Digest] = field(default_factory=set)
    """What stays, for good."""

    _waiting: set[Digest] = field(default_factory=set)
    """What stays until it is tried again at the end, and what stays because of that."""

    _unknown: dict[Digest, str] = field(default_factory=dict)
    """What a DELETE was sent for whose answer was lost, while the version was still there."""

    _pending: list[Change] = field(default_factory=list)
    """What was deleted and must come back, since what it speaks of stays after all."""

    _unnoted: list[Outcome] = field(default_factory=list)
    _together: int = field(default_factory=lambda: TOGETHER)
    _refusals: int = 0
    _slow_looks: int = 0
    _held_up: str = ""
    """Why the rest has to wait for the end of the run, in words."""

    _failures: FailureBudget = field(default_factory=lambda: FailureBudget(0))
    _error: EvidenceError | AccessError | None = None

    def __post_init__(self) -> None:
        """Begin with no new version known."""
        self._recheck = Recheck(self.registry, self.inventory)

    @property
    def has_deleted(self) -> bool:
        """Whether any version was deleted so far."""
        return any(outcome.result is Result.DELETED for outcome in self.outcomes)

    def carry_out(self, components: Iterable[Component]) -> None:
        """Delete components in order until done, halted, or too much has failed.

        Raises: StateError, when an intent or outcome cannot be made durable; LockedError, when
            somebody broke the lock; EvidenceError or AccessError, when the registry stops
            answering or refuses, once that is recorded.
        """
        left = self._components = [tuple(component) for component in components]
        self._changes = {change.digest: change for part in left for change in part}
        self._parts = {one.digest: number for number, part in enumerate(left) for one in part}
        self._failures = FailureBudget(len(self._changes))
        with self.registry.watching(self.inventory.repository):
            for _ in range(1 + AGAIN):
                left = self._pass(left)
                if self.stopped or not left:
                    break
        self._close(left)
        if self._error:
            raise self._error

    def _pass(self, components: Sequence[Component]) -> list[Component]:
        """Go through components once; return what of them is to be tried again."""
        self._waiting.clear()
        self._held_up, self._refusals = "", 0
        for batch in _batches(components):
            if self._halted() or self._held_up:
                break
            # Written before anything of the batch is sent: whoever dies from here on leaves
            # intents, and the next run asks the registry about each of them.
            changes = [change for part in batch for change in part]
            self._announce(changes)
            self._attempt(partial(self._batch, deque(changes)))
            self._attempt(self._restore)
            self._note()
        ended = (
            {outcome.change.digest for outcome in self.outcomes}
            - self._unknown.keys()
            - self._waiting
        )
        left = (tuple(one for one in part if one.digest not in ended) for part in components)
        return [part for part in left if part]

    def _halted(self) -> bool:
        self.stopped = self.stopped or self.run.halt()
        return bool(self.stopped)

    def _announce(self, changes: Sequence[Change]) -> None:
        """Write intents; what comes of the changes now replaces what came of them before."""
        tried = {change.digest for change in changes}
        self.outcomes[:] = [
            outcome for outcome in self.outcomes if outcome.change.digest not in tried
        ]
        fresh = [change for change in changes if change.digest not in self._announced]
        written = chain.from_iterable(map(self._intents, fresh))
        self.state.append(self.run.id, self.run.clock(), written)
        self._announced.update(change.digest for change in fresh)

    def _attempt(self, work: Callable[[], None]) -> None:
        """Do something, and remember the error that ends this repository."""
        try:
            work()
        except StoppedError as error:
            self.stopped = str(error)
        except PostponedError as error:
            self._held_up = str(error)
        except (EvidenceError, AccessError) as error:
            self._error, self.stopped = error, str(error)

    def _batch(self, ahead: deque[Change]) -> None:
        """Delete a batch, group by group; a group is what goes upon one look."""
        while self._go_on(ahead):
            self._group(ahead)
            self._note()

    def _go_on(self, ahead: deque[Change]) -> bool:
        """End what needs no DELETE; return whether there is more, and it may be begun."""
        while ahead and self._settled(ahead[0]):
            ahead.popleft()
        if not ahead or self._held_up:
            return False
        # A component that was begun goes on for as long as its look is fresh: a run that is to
        # stop reads no more, so a new look ends it, and the next run goes on.
        return self._is_cut(ahead[0]) or not self._halted()

    def _settled(self, change: Change) -> bool:
        """End a version that stays; one that waits for another try has no end yet."""
        if change.digest in self._waiting:
            return True
        if why := self._drifted.get(change.digest):
            self._end(Outcome(change, Result.SKIPPED_CHANGED, why))
        elif change.digest in self._spared:
            self._end(Outcome(change, Result.SKIPPED_REFERENCED, _NEEDED))
        return change.digest in self._spared

    def _is_cut(self, change: Change) -> bool:
        """Whether something of a version's component is gone already."""
        return self._parts[change.digest] in self._cut

    def _group(self, ahead: deque[Change]) -> None:
        """Delete what is next, as far as one look carries."""
        repository = self.inventory.repository
        group = self._next(ahead)
        versions = self._to_look_at(group)
        followers = {
            version.digest for version in versions if self.graph.kept_by.get(version.digest)
        }
        # 1. Wait. No wait comes after this one before the group is deleted.
        self.registry.pace(repository, len(group), versions, followers)
        # 2. Look: who holds the lock, what is new, what became of the versions.
        looked_at = self.run.monotonic()
        self.state.confirm_lock()
        self._spare(self._recheck.newly_referenced())
        found = self.registry.look(repository, versions, followers)
        self._spare_drifted(versions, found)
        # 3. Delete one after the other, each as long as the look is fresh.
        sent, covered = 0, {change.digest for change in group}
        while ahead:
            change = ahead[0]
            if not self._settled(change):
                if change.digest not in covered:
                    break
                if not self._is_cut(change) and self._halted():
                    return
                version = found.get(change.digest)
                if version is None:
                    self._end(Outcome(change, Result.ABSENT, "the registry no longer has it"))
                else:
                    self.state.confirm_lock()
                    if self.run.monotonic() - looked_at > FRESH_SECONDS - SENDING_SECONDS:
                        self._grew_old(sent)
                        return
                    if not self._sent(change, version):
                        return
                    sent += 1
            ahead.popleft()
            self._restore()
        self._slow_looks = 0
        self._together = min(self._together + 1, TOGETHER)

    def _next(self, ahead: Iterable[Change]) -> list[Change]:
        """Take what goes upon the next look: whole components, or a slice of a large one."""
        group: list[Change] = []
        for _, part in groupby(ahead, key=lambda change: self._parts[change.digest]):
            members = [one for one in part if one.digest not in self._spared | self._waiting]
            if group and len(group) + len(members) > self._together:
                break
            group += members[: self._together]
        return group

    def _to_look_at(self, group: Sequence[Change]) -> list[Version]:
        """Return the versions of a group, and what of the plan would keep any of them.

        All members of a component are looked at when it is begun: one that changed spares all.
        """
        fresh = {self._parts[change.digest]: None for change in group}
        begun = [
            one.digest
            for part in fresh
            if part not in self._begun
            for one in self._components[part]
        ]
        self._begun |= fresh.keys()
        holders = closure(self.graph.kept_by, (change.digest for change in group))
        wanted = dict.fromkeys([*begun, *sorted(holders & self._changes.keys())])
        return [self.inventory.versions[one] for one in wanted if one not in self._gone]

    def _spare_drifted(self, versions: Iterable[Version], found: Mapping[Digest, Version]) -> None:
        """Spare each component of which a member is no longer what was planned."""
        for version in versions:
            now = found.get(version.digest)
            words = drift(self._changes[version.digest].observed, now) if now else ""
            if words:
                self._drifted[version.digest] = words
                component = self._components[self._parts[version.digest]]
                self._spare(change.digest for change in component)

    def _spare(self, digests: Iterable[Digest]) -> None:
        """Keep versions, and whatever stays because they stay; what of it is gone is owed."""
        spared = closure(self.graph.keeps, digests, excluding=self._spared)
        self._spared |= spared
        self._owe(spared)

    def _owe(self, staying: Set[Digest]) -> None:
        """Note what is to come back, the last deleted first."""
        if staying:
            lost = [change for digest, change in self._gone.items() if digest in staying]
            self._pending += reversed(lost)

    def _sent(self, change: Change, version: Version) -> bool:
        """Send one DELETE; return whether the next one may be sent upon the same look."""
        deletion = self.registry.delete(self.inventory.repository, version)
        if deletion.result is DeletionResult.REFUSED:
            self._refused(deletion)
            return False
        self._refusals = 0
        outcome = self._outcome(change, version, deletion)
        self.stopped = self._failures.note(outcome.result) or self.stopped
        self._end(outcome)
        if outcome.result is Result.UNKNOWN:
            self._unknown[change.digest] = outcome.reason
            self._wait_with(change.digest)
        elif outcome.result not in (Result.DELETED, Result.ABSENT):
            self._spare([change.digest])
        return True

    def _refused(self, deletion: Deletion) -> None:
        """Count a DELETE that had no effect: what is left begins anew, with the wait before it."""
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            self._held_up = f"{MAX_REFUSALS} times in a row: {deletion.message}"

    def _wait_with(self, digest: Digest) -> None:
        """Leave a version, and what stays while it stays, to the end of the run."""
        waiting = closure(self.graph.keeps, [digest], excluding=self._spared | self._waiting)
        self._waiting |= waiting
        self._owe(waiting)

    def _grew_old(self, sent: int) -> None:
        """Take less upon the next look; a registry that is too slow for one deletion is left.

        Raises: EvidenceError, after too many looks that were of no use.
        """
        self._slow_looks = 0 if sent else self._slow_looks + 1
        self._together = sent or max(1, self._together // 2)
        if self._slow_looks >= MAX_SLOW_LOOKS:
            raise EvidenceError(
                f"{self.inventory.repository}: looking at a version and at what is new takes"
                f" longer than {FRESH_SECONDS:g} s"
            )

    def _outcome(self, change: Change, version: Version, deletion: Deletion) -> Outcome:
        """Translate an answer; a lost one is resolved by reading, never by sending again."""
        lost = deletion.result is DeletionResult.LOST
        result = self._resolved(version) if lost else Result(deletion.result)
        reason = deletion.message or (_WORDLESS if result is Result.RETAINED else "")
        return Outcome(change, result, reason, deletion.status, deletion.request_id)

    def _resolved(self, version: Version) -> Result:
        """Look whether a deletion took effect. One that is there still may go a moment later."""
        try:
            still = self.registry.version(self.inventory.repository, version)
        except StoppedError as error:
            self.stopped = str(error)
            return Result.UNKNOWN
        except (EvidenceError, AccessError):
            return Result.UNKNOWN
        return Result.UNKNOWN if still else Result.DELETED

    def _end(self, outcome: Outcome) -> None:
        """Record how one change ended, for the caller now and for the journal with `_note`.

        What was sent before without an answer may be carried out at any time: if it is gone, that
        was us, and if it is not, nobody can say that it will stay.
        """
        if outcome.change.digest in self._unknown:
            outcome = _of_unknown(outcome)
        if outcome.result is Result.DELETED:
            self._gone[outcome.change.digest] = outcome.change
            self._cut.add(self._parts[outcome.change.digest])
            self._unknown.pop(outcome.change.digest, None)
        self.outcomes.append(outcome)
        self._unnoted.append(outcome)
        self._announced.discard(outcome.change.digest)
        self.run.report(outcome)

    def _note(self) -> None:
        if self._unnoted:
            self.state.note(self.run.id, self.run.clock(), map(outcome_entry, self._unnoted))
            self._unnoted = []

    def _restore(self) -> None:
        """Bring back what is owed, the last deleted first, where the registry can.

        Raises: StoppedError; AccessError or EvidenceError, when it is not known whether it came.
        """
        while self._pending:
            change = self._pending.pop(0)
            version = self.inventory.versions[change.digest]
            if bring_back(self.registry, self.state, self.inventory.repository, version).done:
                del self._gone[change.digest]
                self._end(Outcome(change, Result.RESTORED, "what it speaks of stays"))

    def _close(self, components: Iterable[Component]) -> None:
        """End what is left and was announced, so that no intent stays open without a reason."""
        reason = self.stopped or f"not sent: {self._held_up}"
        self.stopped = self.stopped or self._held_up
        for change in (change for component in components for change in component):
            if change.digest not in self._announced:
                continue
            if change.digest in self._waiting and change.digest not in self._unknown:
                self._end(Outcome(change, Result.SKIPPED_REFERENCED, _NEEDED))
            else:
                self._end(Outcome(change, Result.NOT_DONE, reason))
                self._owe(closure(self.graph.keeps, [change.digest]))
        if not self._error:
            self._attempt(self._restore)
        self._note()

    def _intents(self, change: Change) -> Iterator[Entry]:
        """Write down what is to go, and what of this repository it lists, for an undo."""
        here = self.inventory.versions.keys()
        return intents(change, [child for child in change.observed.children if child in here])


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


def _of_unknown(outcome: Outcome) -> Outcome:
    """Tell of a version whose deletion was sent before, and never answered, how it ended now."""
    if outcome.result in (Result.DELETED, Result.ABSENT):
        return replace(outcome, result=Result.DELETED)
    if outcome.result is Result.RETAINED:
        return outcome
    return replace(outcome, result=Result.UNKNOWN)


def outcome_entry(outcome: Outcome) -> Entry:
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
