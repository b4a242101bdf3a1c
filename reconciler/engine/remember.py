"""What a run notes for later ones: when a digest was first seen, and since when (un)tagged."""

from collections.abc import Mapping, Set
from datetime import datetime

from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Digest
from reconciler.model.observations import Observation, Observations


def remember(
    earlier: Observations,
    inventory: Inventory,
    *,
    now: datetime,
    gone: Set[Digest] = frozenset(),
    refused: Mapping[Digest, str] | None = None,
) -> Observations:
    """Return the observations after a run: what is left of the inventory, as it was seen.

    `gone` was deleted by the run; `refused` maps what the registry would not delete to its words.
    """
    words = refused or {}
    stay = (version for digest, version in inventory.versions.items() if digest not in gone)
    seen = {one.digest: _observe(earlier.digests.get(one.digest), one, now) for one in stay}
    for digest in words.keys() & seen.keys():
        # A refusal holds for the tags of now, even for none.
        refusal = {
            "tags": inventory.versions[digest].tags,
            "retained": words[digest],
            "visibility": inventory.visibility,
        }
        seen[digest] = seen[digest].model_copy(update=refusal)
    return Observations(digests=seen)


def _observe(before: Observation | None, version: Version, now: datetime) -> Observation:
    if before is None:
        before = Observation(first_seen=now, tagged_since=now, tags=version.tags)
    known = before.tagged_since if not before.arrived(version.tags) else None
    stands = bool(before.retained) and version.tags == before.tags
    return Observation(
        first_seen=before.first_seen,
        untagged_since=None if version.tags else before.untagged_since or now,
        tagged_since=known or now if version.tags else None,
        tags=version.tags if stands else version.tags or before.tags,
        retained=before.retained if stands else "",
        visibility=before.visibility if stands else "",
        held=before.held,
    )
