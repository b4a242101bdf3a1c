"""What a run that ended too early owes: deletions whose reason to be has stayed after all.

An image goes after its signatures and referrers. A run that ends between the two leaves an image
that somebody may still pull, and without them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from reconciler.core.history import Attempt, attempts
from reconciler.core.walk import closure
from reconciler.model.journal import Record, Result, is_restoration
from reconciler.model.names import Digest

_DONE = (Result.DELETED, Result.ABSENT)


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
