"""Restore versions one by one, each one recorded, and release what an undo holds.

Signatures and referrers that a run deleted are restored where their image is kept after all.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from reconciler.core.history import Attempt, deletions
from reconciler.core.interrupted import InterruptedRun
from reconciler.core.observations import digests_on_hold, with_holds
from reconciler.core.undo import companions
from reconciler.engine.failure_limit import FailureBudget
from reconciler.engine.records import BATCH, intents, outcome_entry
from reconciler.engine.run import Run
from reconciler.errors import AccessError, EvidenceError, StoppedError
from reconciler.model.inventory import Version
from reconciler.model.journal import (
    Entry,
    HoldBody,
    Record,
    ReleaseBody,
    ResolveBody,
    Result,
    RunCloseBody,
    RunOpenBody,
    entry_of,
)
from reconciler.model.names import Digest, Mention, Repository, Tag
from reconciler.model.plan import Change
from reconciler.model.ports import Holder, Registry, RepositoryState, Restoration, State
from reconciler.model.results import Outcome

_RECORD = 500
"""Digests named in one record."""

_REASON = "what it speaks of stays"


TRIES = 5
"""How often a restoration is sent that limits refuse."""


def restore_version(
    registry: Registry, state: RepositoryState, repository: Repository, version: Version
) -> Restoration:
    """Restore one version, if the registry can and will; only the holder of the lock may.

    Raises: LockedError; StoppedError; AccessError; EvidenceError, when it is not known whether
        it was restored, or the wait would be too long.
    """
    for _ in range(TRIES - 1):
        state.confirm_lock()
        answer = registry.restore(repository, version)
        if not answer.refused:
            return answer
        # A limit refused it, so it had no effect and may be sent again.
        registry.pace(repository, 1)
    state.confirm_lock()
    return registry.restore(repository, version)


@dataclass
class Restoring:
    """Restores what is left of a plan in one repository; children come before what lists them.

    Shape: `tagged` is each tag and its digest as of the start, `live` what needs no restoration
        and gets its tags only.
    """

    registry: Registry
    state: RepositoryState
    repository: Repository
    run: Run
    live: Mapping[Digest, Version]
    tagged: Mapping[Tag, Digest]
    retag: bool
    outcomes: list[Outcome] = field(default_factory=list)
    """How each restoration ended so far."""

    stopped: str = ""
    """Why versions were left for the next run; empty when all were attempted."""

    refusal: AccessError | None = None
    """The right that is missing; where it is that to tag, restoring goes on."""

    _back: set[Digest] = field(default_factory=set)
    _failed: set[Digest] = field(default_factory=set)
    _budget: FailureBudget = field(default_factory=lambda: FailureBudget(0, "restorations"))

    def carry_out(self, changes: Sequence[Change]) -> None:
        """Restore versions in order until done, halted, or too much has failed.

        Raises: StateError, when an intent or outcome cannot be made durable; LockedError, when
            somebody broke the lock.
        """
        self._budget = FailureBudget(len(changes), "restorations")
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            if self._halted():
                return
            self.state.append(self.run.id, self.run.clock(), _begun(batch))
            for change in batch:
                self._end(change, self._restore(change))

    def _halted(self) -> bool:
        self.stopped = self.stopped or self.run.halt()
        return bool(self.stopped)

    def _end(self, change: Change, outcome: Outcome) -> None:
        self.stopped = self.stopped or self._budget.note(outcome.result)
        (self._back if outcome.result is Result.RESTORED else self._failed).add(change.digest)
        self.outcomes.append(outcome)
        self.state.note(self.run.id, self.run.clock(), [outcome_entry(outcome)])
        self.run.report(outcome)

    def _restore(self, change: Change) -> Outcome:
        """Restore one version, unless something it lists did not come back."""
        if self._halted():
            return Outcome(change, Result.NOT_DONE, self.stopped)
        if missing := self._missing(change):
            return Outcome(change, Result.NOT_DONE, f"it would come back without {missing[0]}")
        try:
            self.registry.pace(self.repository, 1)
        except StoppedError as error:
            self.stopped = str(error)
            return Outcome(change, Result.NOT_DONE, self.stopped)
        return self._sent(change)

    def _sent(self, change: Change) -> Outcome:
        """Restore one version; what is not seen to the end is found out by the next run."""
        try:
            return self._restored(change)
        except StoppedError as error:
            self.stopped = str(error)
            return Outcome(change, Result.UNKNOWN, self.stopped)
        except AccessError as error:
            self.refusal, self.stopped = error, str(error)
            return Outcome(change, Result.NOT_DONE, self.stopped)
        except EvidenceError as error:
            return Outcome(change, Result.UNKNOWN, str(error))

    def _missing(self, change: Change) -> list[Digest]:
        """Return what an image lists, or an artifact speaks of, and would come back without."""
        if change.digest in self.live:
            return []
        here = self._back | self.live.keys()
        missing = [child for child in change.observed.children if child not in here]
        subject = change.observed.subject
        return [*missing, subject] if subject in self._failed else missing

    def _restored(self, change: Change) -> Outcome:
        """Restore, then look at what came back: its digest, and its tags."""
        wanted = Version(change.digest, id=change.version_id)
        if change.digest not in self.live:
            answer = restore_version(self.registry, self.state, self.repository, wanted)
            if not answer.done:
                return Outcome(change, Result.FAILED, answer.message, answer.status)
        found = self._look_at(wanted)
        if found is None or found.digest != change.digest:
            return Outcome(change, Result.UNKNOWN, "the registry does not show it yet")
        return Outcome(change, Result.RESTORED, "; ".join(self._tags(change, found)))

    def _look_at(self, version: Version) -> Version | None:
        """Look at what was restored; without the right to, it is not known what it is."""
        try:
            return self.registry.version(self.repository, version)
        except AccessError as error:
            raise EvidenceError(str(error)) from error

    def _tags(self, change: Change, found: Version) -> Iterator[str]:
        """Say which tags are not as they were, after attaching those that may be."""
        for tag in change.observed.tags:
            holder = self.tagged.get(tag, change.digest)
            if holder != change.digest:
                moved = "the registry moved it here from" if tag in found.tags else "it stays on"
                yield f"tag {tag}: {moved} {holder}"
            elif tag not in found.tags:
                yield from self._lost(tag, found)

    def _lost(self, tag: Tag, found: Version) -> Iterator[str]:
        if not self.retag:
            yield f"tag {tag}: did not come back; --retag attaches it"
        elif self.refusal:
            yield f"tag {tag}: did not come back"
        else:
            yield from self._attached(tag, found)

    def _attached(self, tag: Tag, found: Version) -> Iterator[str]:
        """Attach a tag; without the right to, the first refusal stands for all."""
        try:
            holder = self.registry.tag(self.repository, found, tag)
        except AccessError as error:
            self.refusal = error
            yield f"tag {tag}: did not come back"
            return
        if holder != found.digest:
            yield f"tag {tag}: it stays on {holder}"


def _begun(batch: Sequence[Change]) -> Iterator[Entry]:
    """Write down what is to be held from now on, and what is to be restored."""
    yield entry_of(HoldBody(digests=tuple(change.digest for change in batch)))
    for change in batch:
        yield from intents(change, change.observed.children)


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
    return digests_on_hold(seen, repository, mentions, companions(deletions(records)))


def _release_entries(digests: Sequence[Digest], holder: Holder) -> Iterator[Entry]:
    yield entry_of(RunOpenBody(who=holder.address, changes=len(digests)))
    for start in range(0, len(digests), _RECORD):
        yield entry_of(ReleaseBody(digests=tuple(digests[start : start + _RECORD])))
    yield entry_of(RunCloseBody(reason="done"))


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
                    answer = ResolveBody.answering(
                        attempt.intent.body,
                        of=attempt.run,
                        result=Result.RESTORED,
                        reason=_REASON,
                    )
                    yield entry_of(answer)

    def _is_back(self, attempt: Attempt) -> bool:
        """Restore one version, unless it is there: a run may die before it writes that down."""
        version = Version(attempt.digest, id=attempt.version_id)
        if self.registry.version(self.repository, version):
            return True
        self.registry.pace(self.repository, 1)
        return restore_version(self.registry, self.state, self.repository, version).done
