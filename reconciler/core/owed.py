"""What a run that ended too early owes: deletions whose reason to be has stayed after all.

An image goes after its signatures and referrers. A run that ends between the two leaves an image
that somebody may still pull, and without them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from reconciler.core.history import Attempt, attempts
from reconciler.core.walk import closure
from reconciler.model.journal import Record, Result, is_restoration
from reconciler.model.names import Digest

_DONE = (Result.DELETED, Result.ABSENT)


@dataclass(frozen=True)
class HalfDone:
    """What one run deleted, in that order, and what it left, by the last attempt on each."""

    gone: dict[Digest, Attempt]
    left: dict[Digest, Attempt]

    @cached_property
    def _keeps(self) -> Mapping[Digest, Sequence[Digest]]:
        """Lead from each version to what was deleted and stays while it stays."""
        keeps: dict[Digest, list[Digest]] = defaultdict(list)
        for attempt in self.gone.values():
            for subject in attempt.subjects:
                keeps[subject].append(attempt.digest)
        for attempt in (*self.gone.values(), *self.left.values()):
            keeps[attempt.digest] += [child for child in attempt.children if child in self.gone]
        return keeps

    @property
    def bereaved(self) -> list[Attempt]:
        """What was left and, if it is still there, lacks something."""
        return [attempt for digest, attempt in self.left.items() if self._keeps.get(digest)]

    def owed(self, here: Iterable[Digest]) -> list[Attempt]:
        """Return what stays while these versions stay, the last deleted first."""
        owed = closure(self._keeps, here)
        return [attempt for digest, attempt in reversed(self.gone.items()) if digest in owed]


def half_done(records: Iterable[Record]) -> Iterator[HalfDone]:
    """Yield what each run of a journal deleted and left, where it did both."""
    last: dict[str, Attempt] = {}
    for attempt in attempts(records):
        last.pop(attempt.key, None)
        last[attempt.key] = attempt
    runs: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in last.values():
        runs[attempt.run].append(attempt)
    for made in runs.values():
        gone = {attempt.digest: attempt for attempt in made if attempt.is_standing}
        left = {attempt.digest: attempt for attempt in made if _was_left(attempt)}
        yield HalfDone(gone, left)


def _was_left(attempt: Attempt) -> bool:
    """Whether a run left a version in the end; what people take back is theirs to complete."""
    if attempt.restored:
        return not is_restoration(attempt.restored)
    return attempt.result not in _DONE
