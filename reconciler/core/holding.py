"""Holds: what an undo restored stays out of every plan until somebody releases it."""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

from reconciler.core.walk import closure
from reconciler.model.names import Digest, Repository
from reconciler.model.observations import Observation, Observations
from reconciler.model.plan import Change
from reconciler.model.reference import Mention


def hold(seen: Observations, changes: Iterable[Change], now: datetime) -> Observations:
    """Return the observations with what is to be restored held."""
    digests = dict(seen.digests)
    for change in changes:
        tags = change.observed.tags
        before = digests.get(change.digest) or Observation(first_seen=now, tags=tags)
        digests[change.digest] = before.model_copy(update={"held": True})
    return Observations(digests=digests)


def release(seen: Observations, digests: Set[Digest]) -> Observations:
    """Return the observations with some holds taken away."""
    return Observations(
        digests={
            digest: one.model_copy(update={"held": False}) if digest in digests else one
            for digest, one in seen.digests.items()
        }
    )


def held_of(
    seen: Observations,
    repository: Repository,
    mentions: Sequence[Mention],
    companions: Mapping[Digest, Set[Digest]],
) -> set[Digest]:
    """Return what is held of what is mentioned, and of what came back with it.

    No mention at all stands for everything. A part that another held image needs may be
    released: that image keeps it.
    """
    held = {digest: one.tags for digest, one in seen.digests.items() if one.held}
    named = (
        digest
        for digest, tags in held.items()
        if not mentions or any(mention.means(repository, tags, digest) for mention in mentions)
    )
    return closure(companions, named) & held.keys()
