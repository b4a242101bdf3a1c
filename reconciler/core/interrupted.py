"""What interrupted runs left over, and what they deleted although its image was kept.

Whatever refers to a version is deleted before it, so a run that ends too early leaves parts of an
image that is deleted: the next plan deletes them as well, whatever the rules say, since they were
approved. Signatures and referrers are deleted before their image: if the image is kept after all,
they are restored.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from reconciler.core.history import Attempt, attempts
from reconciler.core.walk import closure
from reconciler.model.inventory import Inventory
from reconciler.model.journal import Record, Result, is_restoration
from reconciler.model.names import Digest
from reconciler.model.plan import Cause

_OPEN = (None, Result.NOT_DONE, Result.FAILED, Result.UNKNOWN)
"""How the deletion of what was left over may have ended."""

_DONE = (Result.DELETED, Result.ABSENT)


@dataclass(frozen=True, slots=True)
class Leftover:
    """One version that was to go with another one, by the deletions of both."""

    deletion: Attempt
    owner: Attempt

    def is_here(self, inventory: Inventory) -> bool:
        """Whether the very version is here that was to go: nobody pushed or tagged it anew."""
        version, seen = inventory.versions.get(self.deletion.digest), self.deletion
        return version is not None and (version.id, version.tags) == (seen.version_id, seen.tags)


def leftovers(records: Iterable[Record], inventory: Inventory) -> dict[Digest, Leftover]:
    """Return what the runs of a journal left over and is here, untouched since."""
    parts: dict[tuple[str, object], list[Attempt]] = defaultdict(list)
    last: dict[Digest, Attempt] = {}
    for attempt in attempts(records):
        parts[attempt.run, attempt.intent.body.get("component")].append(attempt)
        last[attempt.digest] = attempt
    gone = {one.digest: one for one in last.values() if _is_gone(one, inventory)}
    return {
        left.deletion.digest: left
        for part in parts.values()
        for left in _leftovers_of(part, gone)
        if last[left.deletion.digest].result in _OPEN and left.is_here(inventory)
    }


def _is_gone(attempt: Attempt, inventory: Inventory) -> bool:
    """Whether a version was deleted; while nobody has resolved that, whether it looks so."""
    if attempt.result in (None, Result.UNKNOWN):
        return attempt.digest not in inventory.versions
    return attempt.is_standing or attempt.result is Result.ABSENT


def _leftovers_of(part: Sequence[Attempt], gone: Mapping[Digest, Attempt]) -> Iterator[Leftover]:
    """Yield what is left of one component: what went with a version of it that is gone."""
    done = [one for one in part if gone.get(one.digest) is one]
    for meant in part:
        if meant.digest not in gone and meant.intent.body.get("cause") == Cause.FOLLOWS:
            owners = (one for one in done if _keeps(one, meant))
            if owner := next(owners, None):
                yield Leftover(meant, owner)


def _keeps(one: Attempt, other: Attempt) -> bool:
    """Whether a version listed another, or was what that spoke of."""
    return other.digest in one.children or one.digest in other.subjects


@dataclass(frozen=True)
class InterruptedRun:
    """What one run deleted, in that order, and what it meant to delete and has been left since."""

    gone: dict[Digest, Attempt]
    remaining: dict[Digest, Attempt]

    @cached_property
    def _keeps(self) -> Mapping[Digest, Sequence[Digest]]:
        """Lead from each version to what was deleted and stays while it stays."""
        keeps: dict[Digest, list[Digest]] = defaultdict(list)
        for attempt in self.gone.values():
            for subject in attempt.subjects:
                keeps[subject].append(attempt.digest)
        for attempt in (*self.gone.values(), *self.remaining.values()):
            keeps[attempt.digest] += [child for child in attempt.children if child in self.gone]
        return keeps

    def to_restore(self, here: Set[Digest]) -> list[Attempt]:
        """Return what belongs to what was left and is here, the last deleted first."""
        owed = closure(self._keeps, self.remaining.keys() & here)
        return [attempt for digest, attempt in reversed(self.gone.items()) if digest in owed]


def half_done(records: Iterable[Record]) -> list[InterruptedRun]:
    """Return what each run of a journal deleted, and what it meant to and is left."""
    last: dict[str, Attempt] = {}
    meant: dict[str, list[str]] = defaultdict(list)
    for attempt in attempts(records):
        last[attempt.key] = attempt
        meant[attempt.run].append(attempt.key)
    return [_half_done(run, [last[key] for key in keys]) for run, keys in meant.items()]


def _half_done(run: str, last: Iterable[Attempt]) -> InterruptedRun:
    gone: dict[Digest, Attempt] = {}
    left: dict[Digest, Attempt] = {}
    for attempt in last:
        if attempt.is_standing and attempt.run == run:
            gone[attempt.digest] = attempt
        elif _remains(attempt):
            left[attempt.digest] = attempt
    return InterruptedRun(gone, left)


def _remains(attempt: Attempt) -> bool:
    """Whether a version was left in the end; what people take back is theirs to complete."""
    if attempt.restored:
        return not is_restoration(attempt.restored)
    return attempt.result not in _DONE
