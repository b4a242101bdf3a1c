"""What runs left over: versions that were to go with an image which a run deleted.

Whatever names a version goes before it, so a run that ends too early, or that fails at one
version, leaves parts of an image that is gone. This only informs: the journal lies in a state
that others may be able to write, so it never decides that something goes.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.history import Attempt, attempts
from reconciler.model.inventory import Inventory
from reconciler.model.journal import Record, Result
from reconciler.model.names import Digest
from reconciler.model.plan import Cause

_OPEN = (None, Result.NOT_DONE, Result.FAILED, Result.UNKNOWN)
"""How the deletion of what was left over may have ended."""


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
