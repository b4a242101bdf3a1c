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
    """One version that was to go with an image, and the deletion of that image."""

    meant: Attempt
    image: Attempt
    is_listed: bool
    """Whether something that went with the image listed it."""

    @property
    def reason(self) -> str:
        """Why it goes, in words."""
        return f"goes with {self.image.digest}, which run {self.image.run} deleted"

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
    """Yield what is left of one component; nothing, where one of its images stands."""
    images = [one for one in part if one.intent.body.get("cause") != Cause.FOLLOWS]
    if not images or any(gone.get(image.digest) is not image for image in images):
        return
    listed = {child for one in part if one.digest in gone for child in one.children}
    for meant in part:
        if meant.digest not in gone:
            yield Remnant(meant, images[0], meant.digest in listed)
