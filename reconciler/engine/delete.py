"""Delete the planned versions of one repository: steps 9 to 11 of docs/apply.md.

Step 9 writes the intents of a batch durably. Step 10 deletes the batch in groups: it waits for the
rate limit, reads the lock, the newest versions and the group again, and sends one DELETE for each
version. Step 11 writes the outcomes.

What holds after each:

- 9: a run that is killed from here on leaves an intent for every DELETE it may have sent.
- 10: no DELETE is sent more than FRESH_SECONDS after its version was read, none is sent twice
  without a new read, and a component of which a version changed is not begun.
- 11: every intent has an outcome, `unknown` where an answer was lost.

Not done here: which versions are deleted (core/narrow.py), the lock, the journal of earlier runs
and the guards (engine/apply.py).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile

from reconciler.core.graph import Graph
from reconciler.core.narrow import drift
from reconciler.core.walk import closure
from reconciler.engine.failure_limit import FailureBudget
from reconciler.engine.recheck import Component, Looks, Recheck
from reconciler.engine.records import BATCH, all_intents, batches, outcome_entry
from reconciler.engine.restore import restore_version
from reconciler.engine.run import Run
from reconciler.engine.waves import Waves
from reconciler.errors import AccessError, EvidenceError, PostponedError, StoppedError
from reconciler.model.durations import FRESH_SECONDS
from reconciler.model.effort import SENDING_SECONDS
from reconciler.model.inventory import Inventory, Version
from reconciler.model.journal import Result
from reconciler.model.names import Digest
from reconciler.model.plan_rows import Change
from reconciler.model.ports import Deletion, DeletionResult, Registry, RepositoryState
from reconciler.model.results import Outcome

RETRIES = 2
"""How often a run tries again, at its end, what a limit or a passing failure postponed. A failure
that outlasts both is left to the next run, which asks the registry first."""

_NO_REASON = "it gave no reason"
_NEEDED = "a version that is kept needs it"
_SUBJECT_KEPT = "the image it belongs to is kept"


@dataclass
class Execution:
    """Deletes the components of one repository in order; what it learns can only spare versions.

    When `carry_out` returns or raises, `outcomes`, `stopped` and `error` say what was done.
    """

    registry: Registry
    state: RepositoryState
    inventory: Inventory
    graph: Graph
    run: Run
    components: Sequence[Component]

    outcomes: list[Outcome] = field(default_factory=list, init=False)
    """How each deletion ended so far; of two outcomes of one version the later one holds."""

    stopped: str = field(default="", init=False)
    """Why versions were left for the next run; empty when all were attempted."""

    error: EvidenceError | AccessError | None = field(default=None, init=False)
    """The failure of the registry that ended the work."""

    def __post_init__(self) -> None:
        """Index the components; nothing is attempted yet."""
        self._changes = {change.digest: change for part in self.components for change in part}
        at_once = self.registry.capabilities.deletions_at_once
        most = at_once if self.run.at_once is None else min(self.run.at_once, at_once)
        self._looks = Looks(self.inventory, self.graph, self.components, most)
        self._waves = Waves(self.inventory, self.graph, most)
        self._recheck = Recheck(self.registry, self.inventory)
        self._failures = FailureBudget(len(self._changes))

        # What is known of versions and components.
        self._open_intents: set[Digest] = set()
        self._partly_deleted: set[int] = set()
        self._deleted: dict[Digest, Change] = {}
        """In the order of deletion, without what was restored since."""
        self._changed: dict[Digest, str] = {}
        """Versions that are no longer as planned, and what differs."""
        self._kept: set[Digest] = set()
        self._postponed: set[Digest] = set()
        """Versions to try again at the end, and those kept until then because of them."""
        self._unanswered: dict[Digest, str] = {}
        """Versions whose DELETE got no answer and that still existed afterwards."""
        self._to_restore: deque[Change] = deque()
        self._unwritten: list[Outcome] = []

        self._held_up = ""
        """Why the rest of this pass is postponed."""

    @property
    def has_deleted(self) -> bool:
        """Whether any version was deleted so far."""
        return any(outcome.result is Result.DELETED for outcome in self.outcomes)

    def carry_out(self) -> None:
        """Delete all components, or stop with a reason.

        Raises: StateError, when an intent or outcome cannot be made durable; LockedError, when
            another process broke the lock. Other errors end in `stopped` and `error`.
        """
        remaining: Sequence[Component] = self.components
        with self._keeping_errors(), self.registry.watching(self.inventory.repository):
            for _ in range(1 + RETRIES):
                remaining = self._pass(remaining)
                if self.stopped or not remaining:
                    break
        self._close(remaining)

    def _pass(self, components: Sequence[Component]) -> list[Component]:
        """Try to delete each component once; return what is to be tried again."""
        self._postponed.clear()
        self._held_up, self._waves.refusals = "", 0
        for batch in batches(components, BATCH):
            if self._must_stop() or self._held_up:
                break
            changes = [change for part in batch for change in part]
            # Step 9: write the intents, before anything of the batch is sent.
            self._write_intents(changes)
            queue = deque(changes)
            with self._keeping_errors():
                while self._may_continue(queue):
                    # Step 10: delete what one look covers.
                    self._delete_group(queue)
                    # Step 11: write the outcomes.
                    self._write_outcomes()
            with self._keeping_errors():
                self._restore_pending()
            self._write_outcomes()
        # What got no answer is tried again: the registry may have carried it out since.
        ended = {outcome.change.digest for outcome in self.outcomes}
        ended -= self._unanswered.keys() | self._postponed
        remaining = (
            tuple(change for change in part if change.digest not in ended) for part in components
        )
        return [part for part in remaining if part]

    def _must_stop(self) -> bool:
        self.stopped = self.stopped or self.run.halt()
        return bool(self.stopped)

    @contextmanager
    def _keeping_errors(self) -> Iterator[None]:
        """Keep an error that ends the work in this repository, so that it is recorded first."""
        try:
            yield
        except StoppedError as error:
            self.stopped = str(error)
        except PostponedError as error:
            self._held_up = str(error)
        except (EvidenceError, AccessError) as error:
            self.error, self.stopped = error, str(error)

    def _write_intents(self, changes: Sequence[Change]) -> None:
        """Write the intents that are not open yet; outcomes of an earlier pass no longer hold."""
        retried = {change.digest for change in changes}
        self.outcomes = [
            outcome for outcome in self.outcomes if outcome.change.digest not in retried
        ]
        fresh = [change for change in changes if change.digest not in self._open_intents]
        entries = all_intents(fresh, self.inventory.versions.keys())
        self.state.append(self.run.id, self.run.clock(), entries)
        self._open_intents.update(change.digest for change in fresh)

    def _may_continue(self, queue: deque[Change]) -> bool:
        """Skip versions that need no DELETE; return whether the next one may be deleted."""
        while queue and self._is_skipped(queue[0]):
            queue.popleft()
        if not queue or self._held_up:
            return False
        # A component that was begun is completed even when the run is to stop, as long as the
        # look is fresh: see `_delete_group`. Only a new look would be one request too many.
        return not self._must_stop_before(queue[0])

    def _is_skipped(self, change: Change) -> bool:
        """Record the outcome of a version that is kept; a postponed one has no outcome yet."""
        if change.digest in self._postponed:
            return True
        if difference := self._changed.get(change.digest):
            self._end(Outcome(change, Result.SKIPPED_CHANGED, difference))
        elif change.digest in self._kept:
            self._end(Outcome(change, Result.SKIPPED_REFERENCED, _NEEDED))
        return change.digest in self._kept

    def _delete_group(self, queue: deque[Change]) -> None:
        """Step 10 of docs/apply.md: delete what comes next, as far as one look covers it."""
        covered, current, looked_at = self._look(queue)

        def is_fresh() -> bool:
            return self.run.monotonic() - looked_at <= FRESH_SECONDS - SENDING_SECONDS

        sent = 0  # Step 10, delete: each DELETE is sent once, and at once.
        while wave := self._next_wave(queue, covered, current):
            self.state.confirm_lock()  # It may have been broken since the look.
            ended = self._delete_wave([current[change.digest] for change in wave], is_fresh)
            rest = [change for change in wave if change.digest not in ended]
            for _ in wave:
                queue.popleft()
            queue.extendleft(reversed(rest))
            sent += len(ended)
            # At once: an image that is kept must not be without its signature for longer.
            self._restore_pending()
            # The rest waits for a limit, or the look is too old: it needs a new look.
            if rest:
                if not self._waves.is_refused:
                    self._looks.size.shrink(sent)
                return
        self._looks.size.grow()

    def _next_wave(
        self, queue: deque[Change], covered: Set[Digest], current: Mapping[Digest, Version]
    ) -> list[Change]:
        """Skip what needs no DELETE; return what comes next; nothing if a new look is needed."""
        while queue:
            change = queue[0]
            if not self._is_skipped(change):
                if change.digest not in covered or self._must_stop_before(change):
                    return []
                if change.digest in current:
                    break
                # Another client deleted it since the inventory was read.
                self._end(Outcome(change, Result.ABSENT, "the registry no longer has it"))
            queue.popleft()
            self._restore_pending()

        spared = self._changed.keys() | self._kept | self._postponed
        sendable = (covered & current.keys()) - spared

        def goes(change: Change) -> bool:
            return change.digest in sendable and not self._must_stop_before(change)

        return self._waves.next_wave(takewhile(goes, queue))

    def _must_stop_before(self, change: Change) -> bool:
        """Between two components a run may stop; within one it would leave half an image."""
        is_begun = self._looks.component_of[change.digest] in self._partly_deleted
        return not is_begun and self._must_stop()

    def _delete_wave(
        self, versions: Sequence[Version], is_fresh: Callable[[], bool]
    ) -> Set[Digest]:
        """Send DELETEs at the same time; return which of them have an outcome."""
        answers: list[Deletion] = []
        ended: set[Digest] = set()
        where = self.inventory.repository
        for version, deletion in self.registry.delete_together(where, versions, is_fresh):
            answers.append(deletion)
            if deletion.result is not DeletionResult.REFUSED:
                ended.add(version.digest)
                self._end_deletion(self._changes[version.digest], version, deletion)
        self._held_up = self._waves.learn(answers) or self._held_up
        return ended

    def _look(self, queue: Iterable[Change]) -> tuple[Set[Digest], Mapping[Digest, Version], float]:
        """Step 10, wait and look: read who holds the lock, what is new, and the next versions.

        Returns: what the look covers, the versions that exist, and when it began.
        """
        repository = self.inventory.repository
        group = self._looks.next_group(queue, self._kept | self._postponed)
        versions = self._looks.versions_to_read(group, self._deleted.keys())
        followers = {
            version.digest for version in versions if self.graph.kept_by.get(version.digest)
        }
        # Step 10, wait: nothing may wait between the look and the last DELETE of the group, or
        # an image could be tagged in that time unnoticed.
        self.registry.pace(repository, len(group), versions, followers)
        # Step 10, look. The age counts from before the first read.
        looked_at = self.run.monotonic()
        self.state.confirm_lock()
        self._keep(self._recheck.newly_referenced())
        current = self.registry.look(repository, versions, followers)
        self._keep_changed(versions, current)
        return {change.digest for change in group}, current, looked_at

    def _keep_changed(self, versions: Iterable[Version], current: Mapping[Digest, Version]) -> None:
        """Keep each component of which a version is no longer as planned."""
        for version in versions:
            now = current.get(version.digest)
            if now and (difference := drift(self._changes[version.digest].observed, now)):
                self._changed[version.digest] = difference
                component = self.components[self._looks.component_of[version.digest]]
                self._keep(change.digest for change in component)

    def _keep(self, digests: Iterable[Digest]) -> None:
        """Keep versions and all that they keep; restore what of it is deleted already."""
        kept = closure(self.graph.keeps, digests, excluding=self._kept)
        self._kept |= kept
        self._plan_restoration(kept)

    def _plan_restoration(self, kept: Set[Digest]) -> None:
        """Queue what of kept versions was deleted, the last deletion first."""
        if kept:
            # What a version refers to was deleted after it, and is restored before it.
            lost = [change for digest, change in self._deleted.items() if digest in kept]
            self._to_restore.extend(reversed(lost))

    def _end_deletion(self, change: Change, version: Version, deletion: Deletion) -> None:
        """Record the answer to a DELETE, and keep what belongs to a version that still exists."""
        # A lost answer is resolved by reading, never by sending the DELETE again.
        is_lost = deletion.result is DeletionResult.LOST
        result = self._result_by_reading(version) if is_lost else Result(deletion.result)
        reason = deletion.message or (_NO_REASON if result is Result.RETAINED else "")
        outcome = Outcome(change, result, reason, deletion.status, deletion.request_id)
        self.stopped = self._failures.note(outcome.result) or self.stopped
        self._end(outcome)
        if outcome.result is Result.UNKNOWN:
            self._unanswered[change.digest] = outcome.reason
            # The registry may still carry out a lost DELETE, so the version, and what is kept as
            # long as it exists, wait for the end of the run.
            spared = self._kept | self._postponed
            postponed = closure(self.graph.keeps, [change.digest], excluding=spared)
            self._postponed |= postponed
            self._plan_restoration(postponed)
        elif outcome.result not in (Result.DELETED, Result.ABSENT):
            self._keep([change.digest])

    def _result_by_reading(self, version: Version) -> Result:
        """Read whether a DELETE took effect. A version that exists may still be deleted later."""
        try:
            existing = self.registry.version(self.inventory.repository, version)
        except StoppedError as error:
            self.stopped = str(error)
            return Result.UNKNOWN
        except (EvidenceError, AccessError):
            return Result.UNKNOWN
        return Result.UNKNOWN if existing else Result.DELETED

    def _end(self, outcome: Outcome) -> None:
        """Record how one change ended: reported now, in the journal with `_write_outcomes`.

        An earlier DELETE without an answer may be carried out at any time. So a version that is
        absent was deleted by this run, and one that exists is `unknown`.
        """
        digest = outcome.change.digest
        if digest in self._unanswered and outcome.result is not Result.RETAINED:
            is_gone = outcome.result in (Result.DELETED, Result.ABSENT)
            outcome = replace(outcome, result=Result.DELETED if is_gone else Result.UNKNOWN)
        if outcome.result is Result.DELETED:
            self._deleted[digest] = outcome.change
            self._partly_deleted.add(self._looks.component_of[digest])
            self._unanswered.pop(digest, None)
        self.outcomes.append(outcome)
        self._unwritten.append(outcome)
        self._open_intents.discard(digest)
        self.run.report(outcome)

    def _write_outcomes(self) -> None:
        if self._unwritten:
            # `note`, not `append`: the next run finds out by itself what a killed one lost.
            self.state.note(self.run.id, self.run.clock(), map(outcome_entry, self._unwritten))
            self._unwritten = []

    def _restore_pending(self) -> None:
        """Restore what was deleted of versions that are kept after all, where the registry can.

        Raises: StoppedError; AccessError or EvidenceError, when the effect is not known.
        """
        while self._to_restore:
            change = self._to_restore.popleft()
            version = self.inventory.versions[change.digest]
            if restore_version(self.registry, self.state, self.inventory.repository, version).done:
                del self._deleted[change.digest]
                self._end(Outcome(change, Result.RESTORED, _SUBJECT_KEPT))

    def _close(self, components: Iterable[Component]) -> None:
        """Step 11: write an outcome for each intent that is still open, so that none stays so."""
        reason = self.stopped or f"not sent: {self._held_up}"
        self.stopped = self.stopped or self._held_up
        for change in (change for component in components for change in component):
            if change.digest not in self._open_intents:
                continue
            if change.digest in self._postponed and change.digest not in self._unanswered:
                self._end(Outcome(change, Result.SKIPPED_REFERENCED, _NEEDED))
            else:
                self._end(Outcome(change, Result.NOT_DONE, reason))
                self._plan_restoration(closure(self.graph.keeps, [change.digest]))
        # A registry that just failed is not asked to restore anything: the next run does that.
        if not self.error:
            with self._keeping_errors():
                self._restore_pending()
        self._write_outcomes()
