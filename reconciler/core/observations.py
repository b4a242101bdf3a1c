"""Merge saved observations with what only the journal has: holds, refusals, and what a run saw.

A run that is killed has written its journal, but has not saved its observations. The observations
also show which tags moved since the last run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.history import attempts
from reconciler.core.walk import closure
from reconciler.model.inventory import Fact, Inventory, Observation, Observations
from reconciler.model.journal import HoldBody, IntentBody, Record, ReleaseBody, Result
from reconciler.model.names import Digest, Mention, Repository, Tag

_DONE = (Result.DELETED, Result.ABSENT)


def known_observations(
    observations: Observations, records: Sequence[Record], *, retry_refused: bool = False
) -> Observations:
    """Add what only the journal has: holds, refusals, and what a killed run observed.

    With `retry_refused`, no version counts as refused, so that each is tried once more.
    """
    digests = dict(observations.digests)
    # Only the last attempt on each digest counts; a deleted version needs no observation.
    for attempt in {attempt.digest: attempt for attempt in attempts(records)}.values():
        if attempt.result not in _DONE:
            observation = digests.get(attempt.digest)
            if observation is None:
                # All that a run observed counts from its beginning, so that no order is implied.
                at = attempt.opened.ts if attempt.opened else attempt.intent.ts
                since = at if attempt.tags else None
                observation = Observation(first_seen=at, tagged_since=since, tags=attempt.tags)
            # A refusal applies while tags and visibility do not change. If the intent had no room
            # for all tags, it is unknown which of them it applies to.
            if attempt.ended and attempt.result is Result.RETAINED and not attempt.is_abridged:
                refusal = {
                    "tags": attempt.tags,
                    "retained": attempt.ended.body.reason,
                    "visibility": attempt.visibility,
                }
                observation = observation.model_copy(update=refusal)
            digests[attempt.digest] = observation
    if retry_refused:
        digests = {
            digest: observation.model_copy(update={"retained": ""})
            for digest, observation in digests.items()
        }
    return with_holds(Observations(digests=digests), records)


def moved_tags(inventory: Inventory, observations: Observations) -> frozenset[Tag]:
    """Return the tags that were observed on another version and never on their current one."""
    current = {
        (tag, version.digest) for version in inventory.versions.values() for tag in version.tags
    }
    noted = {
        (tag, digest)
        for digest, observation in observations.digests.items()
        for tag in observation.tags
    }
    # A tag that no run observed is new, and has not moved.
    known = {tag for tag, _ in noted}
    return frozenset(tag for tag, digest in current - noted if tag in known)


def moved_tag_warning(inventory: Inventory, observations: Observations) -> Iterator[str]:
    """Warn of versions that cannot be found where a registry lists tags only.

    A version that a tag pointed to between two runs was never observed, and is never listed again.
    Source: docs/adr/0017-looks-are-noted.md.
    """
    moved = moved_tags(inventory, observations)
    if moved and Fact.PUSHED not in inventory.facts:
        tags = "1 tag has" if len(moved) == 1 else f"{len(moved):,} tags have"
        yield (
            f"{tags} moved since the last run; versions that were tagged only in between"
            " cannot be found here, and are kept"
        )


def with_holds(observations: Observations, records: Iterable[Record]) -> Observations:
    """Return the observations with every digest marked as held that the journal holds.

    If the journal does not mention a digest, the observations decide: an older journal may be lost,
    or may have been written before holds were recorded. Source: docs/undo.md, "What is held".
    """
    digests = dict(observations.digests)
    for digest, last in _last_holds(records).items():
        observation = digests.get(digest)
        if observation is None and last.is_active:
            observation = Observation(first_seen=last.at, tags=last.tags)
        if observation is not None:
            digests[digest] = observation.model_copy(update={"held": last.is_active})
    return Observations(digests=digests)


def digests_on_hold(
    observations: Observations,
    repository: Repository,
    mentions: Sequence[Mention],
    companions: Mapping[Digest, Set[Digest]],
) -> set[Digest]:
    """Return the held digests that are named, and those that were restored with them.

    Without any mention, these are all. A follower of another held image may be released as well:
    that image keeps it.
    """
    tags_on_hold = {
        digest: observation.tags
        for digest, observation in observations.digests.items()
        if observation.held
    }
    named = (
        digest
        for digest, tags in tags_on_hold.items()
        if not mentions or any(mention.means(repository, tags, digest) for mention in mentions)
    )
    return closure(companions, named) & tags_on_hold.keys()


@dataclass(frozen=True, slots=True)
class _Hold:
    """When a version was last held or released, and its tags where the record names them."""

    at: datetime
    is_active: bool
    tags: tuple[Tag, ...] = ()


def _last_holds(records: Iterable[Record]) -> dict[Digest, _Hold]:
    """Map each digest that was ever held to the last record that holds or releases it.

    The intent to restore a digest holds it, even if the run was killed before it recorded a hold.
    """
    last: dict[Digest, _Hold] = {}
    for record in records:
        match record.content:
            case HoldBody(digests=digests):
                last |= {Digest(digest): _Hold(record.ts, is_active=True) for digest in digests}
            case ReleaseBody(digests=digests):
                last |= {Digest(digest): _Hold(record.ts, is_active=False) for digest in digests}
            case IntentBody(is_restoration=True) as intent:
                tags = tuple(map(Tag, intent.tags))
                last[Digest(intent.digest)] = _Hold(record.ts, is_active=True, tags=tags)
    return last
