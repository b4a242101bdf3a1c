"""What runs left over: parts of images that they deleted, which were to go with them.

Whatever names a version goes before it, so a run that ends too early, or that fails at one
version, leaves parts of an image that is gone. They were approved as such: no rule has to know
them for the next plan to name them again.
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
"""How the deletion of what is still to go may have ended."""


@dataclass(frozen=True, slots=True)
class Remnant:
    """One version that was to go with another one, and the deletion of that one."""

    meant: Attempt
    owner: Attempt
    is_listed: bool
    """Whether something that is gone listed it."""

    @property
    def reason(self) -> str:
        """Why it goes, in words."""
        return f"goes with {self.owner.digest}, which run {self.owner.run} deleted"

    def is_here(self, inventory: Inventory) -> bool:
        """Whether the very version is here that was to go: nobody pushed or tagged it anew."""
        version, seen = inventory.versions.get(self.meant.digest), self.meant
        return version is not None and (version.id, version.tags) == (seen.version_id, seen.tags)


def remnants(records: Iterable[Record], inventory: Inventory) -> dict[Digest, Remnant]:
    """Return what the runs of a journal left over and is here, untouched since."""
    parts: dict[tuple[str, object], list[Attempt]] = defaultdict(list)
    last: dict[Digest, Attempt] = {}
    for attempt in attempts(records):
        parts[attempt.run, attempt.intent.body.get("component")].append(attempt)
        last[attempt.digest] = attempt
    gone = {one.digest: one for one in last.values() if _is_gone(one, inventory)}
    return {
        remnant.meant.digest: remnant
        for part in parts.values()
        for remnant in _left_of(part, gone)
        if last[remnant.meant.digest].result in _OPEN and remnant.is_here(inventory)
    }


def _is_gone(attempt: Attempt, inventory: Inventory) -> bool:
    """Whether a version was deleted; while nobody has resolved that, whether it looks so."""
    if attempt.result in (None, Result.UNKNOWN):
        return attempt.digest not in inventory.versions
    return attempt.is_standing or attempt.result is Result.ABSENT


def _left_of(part: Sequence[Attempt], gone: Mapping[Digest, Attempt]) -> Iterator[Remnant]:
    """Yield what is left of one component: what went with a version of it that is gone."""
    done = [one for one in part if gone.get(one.digest) is one]
    listed = {child for one in done for child in one.children}
    for meant in part:
        if meant.digest not in gone and meant.intent.body.get("cause") == Cause.FOLLOWS:
            owners = (one for one in done if _keeps(one, meant))
            if owner := next(owners, None):
                yield Remnant(meant, owner, meant.digest in listed)


def _keeps(one: Attempt, other: Attempt) -> bool:
    """Whether a version listed another, or was what that spoke of."""
    return other.digest in one.children or one.digest in other.subjects
