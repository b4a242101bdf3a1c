"""Holds: what an undo restored stays out of every plan until somebody releases it.

The journal says what is held. Observations only repeat it: a lost file, or a listing that lagged
when they were saved, ends no hold.
"""

from collections.abc import Iterable, Mapping, Sequence, Set

from reconciler.core.walk import closure
from reconciler.model.journal import Record, is_restoration
from reconciler.model.names import Digest, Repository
from reconciler.model.observations import Observation, Observations
from reconciler.model.reference import Mention


def with_holds(noted: Observations, records: Iterable[Record]) -> Observations:
    """Return the observations with all that is held, by the journal, marked as held.

    Where the journal says nothing of a digest, the observations decide: an old journal may have
    been lost, or may have been written before holds were recorded.
    """
    digests = dict(noted.digests)
    for digest, last in _last_words(records).items():
        held = last.type != "release"
        seen = digests.get(digest)
        if seen is None and held:
            tags = last.body.get("tags", ()) if last.type == "intent" else ()
            seen = Observation(first_seen=last.ts, tags=tags)
        if seen is not None:
            digests[digest] = seen.model_copy(update={"held": held})
    return Observations(digests=digests)


def holds_of(
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


def _last_words(records: Iterable[Record]) -> dict[Digest, Record]:
    """Map each digest that was ever held to the last record that holds or releases it.

    What is meant to be restored is held from then on, whether or not a run wrote that down.
    """
    last: dict[Digest, Record] = {}
    for record in records:
        if record.type in ("hold", "release"):
            last |= {Digest(one): record for one in record.body.get("digests", ())}
        elif record.type == "intent" and is_restoration(record):
            last[Digest(record.body["digest"])] = record
    return last
