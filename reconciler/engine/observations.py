"""Saved observations: when a version was first seen, since when it is untagged, what was refused.

An apply brings them up to date. Commands that delete nothing only add new digests, because a plain
registry lists tags alone: an image whose tag moves on between two applies would never be known
again, and so never deleted.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import ReconcilerError
from reconciler.events import log
from reconciler.model.inventory import Fact, Inventory, Observation, Observations, Version
from reconciler.model.names import Digest
from reconciler.model.ports import Clock, Holder, State

SaveDigests = Callable[[Inventory], None]
"""Saves the digests of an inventory that are new."""


def updated_observations(
    earlier: Observations,
    inventory: Inventory,
    *,
    now: datetime,
    gone: Set[Digest] = frozenset(),
    refused: Mapping[Digest, str] | None = None,
) -> Observations:
    """Return the observations after a run: those of each version that still exists.

    `gone` no longer exists after the run; `refused` maps what the registry would not delete to
    its message.
    """
    reasons = refused or {}
    observations = {
        digest: _observe(earlier.digests.get(digest), version, now)
        for digest, version in inventory.versions.items()
        if digest not in gone
    }
    for digest in reasons.keys() & observations.keys():
        # A refusal holds for the tags of now, even for none.
        refusal = {
            "tags": inventory.versions[digest].tags,
            "retained": reasons[digest],
            "visibility": inventory.visibility,
        }
        observations[digest] = observations[digest].model_copy(update=refusal)
    return Observations(digests=observations)


def _observe(before: Observation | None, version: Version, now: datetime) -> Observation:
    """Return the observation of one version. Times go on as long as what they date does."""
    if before is None:
        before = Observation(first_seen=now, tagged_since=now, tags=version.tags)
    known = before.tagged_since if not before.arrived(version.tags) else None
    is_still_refused = bool(before.retained) and version.tags == before.tags
    return Observation(
        first_seen=before.first_seen,
        untagged_since=None if version.tags else before.untagged_since or now,
        tagged_since=known or now if version.tags else None,
        tags=version.tags if is_still_refused else version.tags or before.tags,
        retained=before.retained if is_still_refused else "",
        visibility=before.visibility if is_still_refused else "",
        held=before.held,
    )


@dataclass(frozen=True, slots=True)
class DigestSaver:
    """Adds new digests to the observations of a state that is writable and not locked.

    An observation that exists is not changed: `check` compares it with the registry, and only
    `apply` updates it. So saving hides no loss, and lets no version expire by itself.
    """

    state: State
    clock: Clock
    holder: Callable[[], Holder]

    def __call__(self, inventory: Inventory) -> None:
        """Save the new digests; a failure is logged for debugging, and is no error."""
        if Fact.PUSHED in inventory.facts:
            # Such a registry lists untagged versions as well, with their times.
            return
        try:
            state = self.state.of(inventory.repository)
            if inventory.versions.keys() <= state.observations().digests.keys():
                return
            observed = updated_observations(Observations(), inventory, now=self.clock()).digests
            with state.lock(self.holder()):
                # Read again: another run may have saved its observations before this lock.
                saved = state.observations().digests
                state.save_observations(Observations(digests={**observed, **saved}))
        except ReconcilerError as error:
            # Another run holds the lock, or this one may only read the state.
            log.debug("not_noted", repository=inventory.repository, reason=str(error))
