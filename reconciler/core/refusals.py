"""Merge saved observations with the holds, refusals and sightings found only in the journal.

A run that is killed has written its journal, but has not saved its observations.
"""

from collections.abc import Sequence

from reconciler.core.history import Attempt, attempts
from reconciler.core.undo import with_holds
from reconciler.model.inventory import Observation, Observations
from reconciler.model.journal import Record, Result

_DONE = (Result.DELETED, Result.ABSENT)


def known_observations(
    observations: Observations, records: Sequence[Record], *, retry_refused: bool = False
) -> Observations:
    """Add what only the journal has: holds, refusals, and what a killed run observed.

    With `retry_refused`, no version counts as refused, so that each is tried once more.
    """
    digests = dict(observations.digests)
    for attempt in {attempt.digest: attempt for attempt in attempts(records)}.values():
        if attempt.result not in _DONE:
            observation = digests.get(attempt.digest) or _as_seen(attempt)
            digests[attempt.digest] = observation.model_copy(update=_refusal(attempt))
    if retry_refused:
        digests = {
            digest: observation.model_copy(update={"retained": ""})
            for digest, observation in digests.items()
        }
    return with_holds(Observations(digests=digests), records)


def _as_seen(attempt: Attempt) -> Observation:
    """Return what a run observed, all at the moment it began, so that no order is implied."""
    at = attempt.opened.ts if attempt.opened else attempt.intent.ts
    return Observation(first_seen=at, tagged_since=at if attempt.tags else None, tags=attempt.tags)


def _refusal(attempt: Attempt) -> dict[str, object]:
    """Return what to save of a refusal: it applies while tags and visibility do not change."""
    if not attempt.ended or attempt.result is not Result.RETAINED or attempt.is_abridged:
        return {}
    return {
        "tags": attempt.tags,
        "retained": attempt.ended.body.reason,
        "visibility": attempt.visibility,
    }
