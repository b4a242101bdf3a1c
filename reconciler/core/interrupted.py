"""Find what interrupted runs left of deleted images, and what they deleted of kept ones.

An index is deleted before its manifests, so an interrupted run may leave manifests of a deleted
image: the next plan names them, with a rule under which they expire. Signatures and referrers are
deleted before their image, so an interrupted run may have deleted those of an image that is kept:
they are restored. Source: docs/adr/0009-left-over-parts.md, 0012-leftovers-wait-for-a-rule.md.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from reconciler.core.history import Attempt, attempts
from reconciler.core.walk import closure
from reconciler.model.causes import Cause
from reconciler.model.inventory import Inventory
from reconciler.model.journal import Record, Result
from reconciler.model.names import Digest

_OPEN = (None, Result.NOT_DONE, Result.FAILED, Result.UNKNOWN)
"""How the deletion of a leftover may have ended."""

_DONE = (Result.DELETED, Result.ABSENT)


@dataclass(frozen=True, slots=True)
class Leftover:
    """One version that should have been deleted with its owner, by the deletions of both."""

    deletion: Attempt
    owner: Attempt

    def is_present(self, inventory: Inventory) -> bool:
        """Whether the version is still in the registry, and was not pushed or tagged again."""
        version, deletion = inventory.versions.get(self.deletion.digest), self.deletion
        return version is not None and (version.id, version.tags) == (
            deletion.version_id,
            deletion.tags,
        )


def leftovers(records: Iterable[Record], inventory: Inventory) -> dict[Digest, Leftover]:
    """Return the leftovers of the runs in a journal that exist unchanged in the registry."""
    components: dict[tuple[str, object], list[Attempt]] = defaultdict(list)
    # A later attempt on the same digest replaces an earlier one: only its result holds now.
    last: dict[Digest, Attempt] = {}
    for attempt in attempts(records):
        components[attempt.run, attempt.intent.body.component].append(attempt)
        last[attempt.digest] = attempt
    deleted = {
        attempt.digest: attempt for attempt in last.values() if _is_deleted(attempt, inventory)
    }
    present: dict[Digest, Leftover] = {}
    for component in components.values():
        # The attempt itself, since a later run may have deleted the same digest again.
        deleted_here = [attempt for attempt in component if deleted.get(attempt.digest) is attempt]
        for follower in component:
            if follower.intent.body.cause != Cause.FOLLOWS or follower.digest in deleted:
                continue
            owner = next((owner for owner in deleted_here if _keeps(owner, follower)), None)
            if owner and last[follower.digest].result in _OPEN:
                leftover = Leftover(follower, owner)
                if leftover.is_present(inventory):
                    present[follower.digest] = leftover
    return present


def _is_deleted(attempt: Attempt, inventory: Inventory) -> bool:
    """Whether a version was deleted; if the outcome is unknown, whether the registry lacks it."""
    if attempt.result in (None, Result.UNKNOWN):
        return attempt.digest not in inventory.versions
    return attempt.is_standing or attempt.result is Result.ABSENT


def _keeps(owner: Attempt, follower: Attempt) -> bool:
    """Whether a version listed another, or was its subject."""
    return follower.digest in owner.children or owner.digest in follower.subjects


@dataclass(frozen=True)
class InterruptedRun:
    """What one run deleted, in that order, and what it planned to delete and did not."""

    deleted: dict[Digest, Attempt]
    remaining: dict[Digest, Attempt]

    @cached_property
    def _keeps(self) -> Mapping[Digest, Sequence[Digest]]:
        """The deleted versions that each version keeps while it is kept."""
        keeps: dict[Digest, list[Digest]] = defaultdict(list)
        for attempt in self.deleted.values():
            for subject in attempt.subjects:
                keeps[subject].append(attempt.digest)
        for attempt in (*self.deleted.values(), *self.remaining.values()):
            keeps[attempt.digest] += [child for child in attempt.children if child in self.deleted]
        return keeps

    def to_restore(self, present: Set[Digest]) -> list[Attempt]:
        """Return the deleted followers of versions that still exist, the last deleted first."""
        to_restore = closure(self._keeps, self.remaining.keys() & present)
        return [
            attempt for digest, attempt in reversed(self.deleted.items()) if digest in to_restore
        ]


def interrupted_runs(records: Iterable[Record]) -> list[InterruptedRun]:
    """Return what each run of a journal deleted, and what it planned to delete and did not."""
    last: dict[str, Attempt] = {}
    planned: dict[str, list[str]] = defaultdict(list)
    for attempt in attempts(records):
        last[attempt.key] = attempt
        planned[attempt.run].append(attempt.key)
    runs: list[InterruptedRun] = []
    for run, keys in planned.items():
        deleted: dict[Digest, Attempt] = {}
        remaining: dict[Digest, Attempt] = {}
        # The last attempt on each version counts, even if it was made by another run.
        for attempt in (last[key] for key in keys):
            restored, is_gone = attempt.restored, attempt.result in _DONE
            if attempt.is_standing and attempt.run == run:
                deleted[attempt.digest] = attempt
            # What undo restored does not count: it restores the followers by itself.
            elif not (restored.body.is_restoration if restored else is_gone):
                remaining[attempt.digest] = attempt
        runs.append(InterruptedRun(deleted, remaining))
    return runs
