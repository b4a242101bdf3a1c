"""Choose which DELETEs are sent at the same time.

The answers of a wave come together, so a wave grows only while all of them are good: a registry
that starts to fail gets one DELETE at a time again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from reconciler.core.graph import Graph
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest
from reconciler.model.plan_rows import Change
from reconciler.model.ports import Deletion, DeletionResult

MAX_REFUSALS = 10
"""DELETEs refused by a limit in a row before the rest is postponed to the end of the run."""

_DONE = {DeletionResult.DELETED, DeletionResult.ABSENT}


@dataclass
class Waves:
    """How many DELETEs go at the same time, at most `most`, and which of them may."""

    inventory: Inventory
    graph: Graph
    most: int
    size: int = field(default=1, init=False)
    refusals: int = field(default=0, init=False)
    """Waves in a row of which a limit refused all."""

    is_refused: bool = field(default=False, init=False)
    """Whether a limit refused any of the last wave."""

    def next_wave(self, changes: Iterable[Change]) -> list[Change]:
        """Return the first changes, in order, of which none refers to another one.

        A manifest is deleted before those that it refers to, and what a version keeps waits for
        its outcome.
        """
        wave: list[Change] = []
        for change in changes:
            names = self._links(change.digest)
            if len(wave) >= self.size or any(
                before.digest in names or change.digest in self._links(before.digest)
                for before in wave
            ):
                break
            wave.append(change)
        return wave

    def learn(self, answers: Collection[Deletion]) -> str:
        """Send twice as many after a wave that was carried out, and one alone after any other.

        Returns: why the rest should wait for the end of the run; empty to go on. A DELETE that a
        limit refused had no effect; those that were sent together are refused together, and count
        once.
        """
        is_good = bool(answers) and all(answer.result in _DONE for answer in answers)
        self.size = min(2 * self.size, self.most) if is_good else 1
        refused = [answer for answer in answers if answer.result is DeletionResult.REFUSED]
        self.is_refused = bool(refused)
        self.refusals = (self.refusals if len(refused) == len(answers) else 0) + bool(refused)
        if self.refusals < MAX_REFUSALS:
            return ""
        return f"{MAX_REFUSALS} times in a row: {refused[0].message}" if refused else ""

    def _links(self, digest: Digest) -> Iterable[Digest]:
        """Return what a version refers to or keeps."""
        # Not everything that a document names is kept by it: see `build_graph`.
        manifest = self.inventory.versions[digest].manifest
        names = manifest.names if manifest else frozenset()
        return names.union(self.graph.keeps.get(digest, ()))
