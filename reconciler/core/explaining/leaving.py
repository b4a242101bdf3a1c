"""When a version that stays would go, if nothing changed but the time."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from reconciler.core.calendar import read_dates
from reconciler.core.decide import decide
from reconciler.core.explaining.fate import Judged
from reconciler.core.walk import closure
from reconciler.model.inventory import Fact, Version
from reconciler.model.keep import Keep
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from reconciler.model.spans import Span

_NEVER = timedelta(days=1_000_000)
"""What lies further ahead is left out: a tag may claim any date, and no calendar holds them all."""


def leaves_at(judged: Judged, digest: Digest) -> datetime | None:
    """Return the moment from which a version goes, all else unchanged; None if there is none.

    Ages are all that time changes, so the case is decided again for the moments at which an age
    passes a limit. Reasons to keep end and do not come back, so halving finds the first. Only
    an image of unknown age, which is always new, can make room in a calendar bucket even before.

    Shape: the version stays at the moment of the case.
    """
    moments = sorted(_passings(judged, digest))
    if not moments or not _goes(judged, digest, moments[-1]):
        return None
    at = bisect_left(moments, 1, key=lambda moment: _goes(judged, digest, moment))
    return moments[at]


def _goes(judged: Judged, digest: Digest, moment: datetime) -> bool:
    case = judged.case
    decided = decide(
        case.policy, case.inventory, judged.graph, now=moment, observations=case.observations
    )
    return digest in decided.to_delete


def _passings(judged: Judged, digest: Digest) -> Iterator[datetime]:
    """Yield the moments to come at which the age of something that matters passes a limit."""
    policy = judged.case.policy
    limits = {span for rule in policy.judging for span in (rule.keep.within, *_far(rule.keep))}
    spans = {span.delta for span in (*limits, policy.guards.min_age) if span}
    now = judged.case.now
    ages = {now - born for one in _relevant(judged, digest) for born in _births(one, policy, now)}
    ahead = {span - age for age in ages for span in spans}
    yield from (now + wait for wait in ahead if timedelta() < wait < _NEVER)


def _relevant(judged: Judged, digest: Digest) -> Iterable[Version]:
    """Return the versions whose age can decide: its relatives, or all where images compete."""
    versions = judged.case.inventory.versions
    if any(rule.keep.extra or _far(rule.keep) for rule in judged.case.policy.judging):
        return versions.values()
    owners = closure(judged.graph.kept_by, [digest])
    return [versions[relative] for relative in closure(judged.graph.keeps, owners)]


def _far(keep: Keep) -> list[Span]:
    """Return how far back calendar buckets reach, where that is said as a span."""
    return [limit for _, limit in keep.buckets if isinstance(limit, Span)]


def _births(version: Version, policy: Policy, now: datetime) -> Iterator[datetime]:
    """Yield the moments that the ages of a version may count from."""
    yield from (moment for fact in Fact if (moment := version.time(fact)))
    for regex, capture in ((rule.match.regex, rule.age_by.capture) for rule in policy.rules):
        texts = [regex.captured(tag).get(capture, "") for tag in version.tags] if regex else []
        for text in texts:
            # Alone, because among other values it may be no date, and one moment more is no harm.
            yield from read_dates([text], policy.zone, now).values()
