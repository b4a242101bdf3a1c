"""Restore versions one by one, each one recorded, and release the holds of an undo.

Signatures and referrers that a run deleted are restored where their image is kept after all: the
end of step 5 of docs/apply.md, once step 6 has read the repository, and again before step 12.
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
from reconciler.model.plan_rows import Change
from reconciler.model.ports import Holder, Registry, RepositoryState, Restoration, State
from reconciler.model.results import Outcome

_RECORD = 500
"""Digests named in one record: 37 kB of the 64 kB that a record may have."""

_REASON = "the image it belongs to is kept"


TRIES = 5
"""How often a restoration is sent that a limit refuses."""


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
    """Restores the changes of a plan in one repository; children come before what lists them.

    Shape: `tagged` maps each tag to its digest as of the start; `live` are versions that exist,
        and only get their tags.
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
    """The permission that is missing; without the one to tag, restoring continues."""

    _back: set[Digest] = field(default_factory=set)
    _failed: set[Digest] = field(default_factory=set)
    _budget: FailureBudget = field(default_factory=lambda: FailureBudget(0, "restorations"))

    def carry_out(self, changes: Sequence[Change]) -> None:
        """Restore versions in order until done, halted, or too much has failed.

        Raises: StateError, when an intent or outcome cannot be made durable; LockedError, when
            another process broke the lock.
        """
        self._budget = FailureBudget(len(changes), "restorations")
        for start in range(0, len(changes), BATCH):
            batch = changes[start : start + BATCH]
            if self._halted():
                return
            # The hold comes first: no later run deletes again what a killed undo restored.
            hold = HoldBody(digests=tuple(change.digest for change in batch))
            entries = [
                entry for change in batch for entry in intents(change, change.observed.children)
            ]
            self.state.append(self.run.id, self.run.clock(), [entry_of(hold), *entries])
            for change in batch:
                outcome = self._restore(change)
                self.stopped = self.stopped or self._budget.note(outcome.result)
                is_back = outcome.result is Result.RESTORED
                (self._back if is_back else self._failed).add(change.digest)
                self.outcomes.append(outcome)
                self.state.note(self.run.id, self.run.clock(), [outcome_entry(outcome)])
                self.run.report(outcome)

    def _halted(self) -> bool:
        self.stopped = self.stopped or self.run.halt()
        return bool(self.stopped)

    def _restore(self, change: Change) -> Outcome:
        """Restore one version, unless a version that it lists was not restored."""
        if self._halted():
            return Outcome(change, Result.NOT_DONE, self.stopped)
        # An index without its children, or a signature without its image, is of no use.
        if missing := self._missing(change):
            return Outcome(change, Result.NOT_DONE, f"it would be restored without {missing[0]}")
        try:
            self.registry.pace(self.repository, 1)
        except StoppedError as error:
            self.stopped = str(error)
            return Outcome(change, Result.NOT_DONE, self.stopped)
        # From here on the request may be sent: the next run resolves what this one does not learn.
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
        """Return what an image lists, or an artifact refers to, and that would still be missing."""
        if change.digest in self.live:
            return []
        here = self._back | self.live.keys()
        missing = [child for child in change.observed.children if child not in here]
        subject = change.observed.subject
        return [*missing, subject] if subject in self._failed else missing

    def _restored(self, change: Change) -> Outcome:
        """Restore, then read what was restored: its digest and its tags."""
        wanted = Version(change.digest, id=change.version_id)
        if change.digest not in self.live:
            answer = restore_version(self.registry, self.state, self.repository, wanted)
            if not answer.done:
                return Outcome(change, Result.FAILED, answer.message, answer.status)
        try:
            current = self.registry.version(self.repository, wanted)
        except AccessError as error:
            # Without the permission to read, it is not known what was restored.
            raise EvidenceError(str(error)) from error
        if current is None or current.digest != change.digest:
            return Outcome(change, Result.UNKNOWN, "the registry does not list it yet")
        return Outcome(change, Result.RESTORED, "; ".join(self._tags(change, current)))

    def _tags(self, change: Change, current: Version) -> Iterator[str]:
        """Attach missing tags where that is allowed; yield what differs from before."""
        for tag in change.observed.tags:
            holder = self.tagged.get(tag, change.digest)
            if holder != change.digest:
                moved = "the registry moved it here from" if tag in current.tags else "it stays on"
                yield f"tag {tag}: {moved} {holder}"
            elif tag not in current.tags and (difference := self._attach(tag, current)):
                yield difference

    def _attach(self, tag: Tag, current: Version) -> str:
        """Attach a tag where that is allowed; return what differs from before, if anything."""
        lost = f"tag {tag}: did not come back"
        if not self.retag:
            return f"{lost}; --retag attaches it"
        # After the first missing permission no other tag is tried.
        if self.refusal:
            return lost
        try:
            holder = self.registry.tag(self.repository, current, tag)
        except AccessError as error:
            self.refusal = error
            return lost
        return f"tag {tag}: it stays on {holder}" if holder != current.digest else ""


@dataclass(frozen=True, slots=True)
class Released:
    """What was released in one repository."""

    repository: Repository
    digests: Sequence[Digest]


def release_holds(mentions: Sequence[Mention], state: State, holder: Holder) -> list[Released]:
    """Release what is mentioned, with what was restored with it; everything if nothing is.

    Raises: LockedError, when a run is active there; StateError.
    """
    released: list[Released] = []
    for repository in state.repositories():
        own = state.of(repository)
        if not _named(own, repository, mentions):
            continue
        with own.lock(holder):
            # Read again: before the lock, another run could change it.
            digests = sorted(_named(own, repository, mentions))
            releases = [
                entry_of(ReleaseBody(digests=tuple(digests[start : start + _RECORD])))
                for start in range(0, len(digests), _RECORD)
            ]
            opening = entry_of(RunOpenBody(who=holder.address, changes=len(digests)))
            closing = entry_of(RunCloseBody(reason="done"))
            own.append(holder.run, holder.since, [opening, *releases, closing])
        released.append(Released(repository, digests))
    return released


def _named(
    state: RepositoryState, repository: Repository, mentions: Sequence[Mention]
) -> set[Digest]:
    records = state.records()
    observations = with_holds(state.observations(), records)
    return digests_on_hold(observations, repository, mentions, companions(deletions(records)))


@dataclass(frozen=True, slots=True)
class Companions:
    """Signatures and referrers that interrupted runs deleted before their image; needs the lock."""

    registry: Registry
    state: RepositoryState
    repository: Repository
    run: Run
    interrupted: Sequence[InterruptedRun]
    _back: set[Digest] = field(default_factory=set)

    def restore_companions(self, staying: Set[Digest]) -> Sequence[Record]:
        """Restore companions of versions that are kept, where the registry can, and record that.

        Raises: AccessError, when the permission is missing; EvidenceError; StoppedError.
        """
        back = list(self._restored(staying)) if self.registry.capabilities.undo else []
        return self.state.append(self.run.id, self.run.clock(), back) if back else ()

    def _restored(self, staying: Set[Digest]) -> Iterator[Entry]:
        for run in self.interrupted:
            for attempt in run.to_restore(staying):
                if attempt.digest not in self._back and self._is_restored(attempt):
                    self._back.add(attempt.digest)
                    answer = ResolveBody.answering(
                        attempt.intent.body,
                        of=attempt.run,
                        result=Result.RESTORED,
                        reason=_REASON,
                    )
                    yield entry_of(answer)

    def _is_restored(self, attempt: Attempt) -> bool:
        """Restore one version, unless it exists: a run may be killed before it records that."""
        version = Version(attempt.digest, id=attempt.version_id)
        if self.registry.version(self.repository, version):
            return True
        # Before the request, since `restore_version` waits only after a refusal.
        self.registry.pace(self.repository, 1)
        return restore_version(self.registry, self.state, self.repository, version).done
