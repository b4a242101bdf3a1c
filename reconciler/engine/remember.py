"""What a run notes for later ones: when a digest was first seen, and since when untagged."""

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
    return Observations(
        digests={
            version.digest: _observe(earlier.digests.get(version.digest), version, now, words)
            for version in inventory.versions.values()
            if version.digest not in gone
        }
    )


def _observe(
    before: Observation | None, version: Version, now: datetime, refused: Mapping[Digest, str]
) -> Observation:
    if before is None:
        before = Observation(first_seen=now, tags=version.tags)
    untagged_since = None if version.tags else before.untagged_since or now
    same_tags = version.tags == before.tags
    retained = refused.get(version.digest, before.retained if same_tags else "")
    return Observation(
        first_seen=before.first_seen,
        untagged_since=untagged_since,
        # A refusal holds for the tags of now, even for none.
        tags=version.tags if retained else version.tags or before.tags,
        retained=retained,
        held=before.held,
    )
