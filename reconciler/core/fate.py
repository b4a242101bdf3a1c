"""Whether one version is kept or deleted, which images decide it, and when it expires."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.calendar import read_dates
from reconciler.core.decide import Decision, Decisions, decide, pinned
from reconciler.core.graph import Graph, Links, build_graph
from reconciler.core.planner import PlanningInput
from reconciler.core.walk import closure
from reconciler.model.durations import Span
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Digest
from reconciler.model.plan import Cause
from reconciler.model.policy import Policy
from reconciler.model.rules import Keep

PathsUp = Mapping[Digest, Digest]
"""Each version that keeps one, and the next step from there down to it; itself leads to itself."""

_NEVER = timedelta(days=1_000_000)
"""What lies further ahead is left out: a tag may claim any date, and no calendar holds them all."""


@dataclass(frozen=True, slots=True)
class Chain:
    """How a version hangs on an image. Shape: `path` leads from the version up to the image."""

    path: tuple[Version, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class VersionFate:
    """What becomes of one version.

    Shape: `chains` has one for each image that keeps the version while it stays: those that do
        stay first, then the nearest; an image decides over itself by a chain of one. `note` is
        empty where the chains say it all.
    """

    version: Version
    cause: Cause
    is_deleted: bool
    note: str
    chains: tuple[Chain, ...]

    @property
    def own(self) -> Decision | None:
        """The decision on the version itself; None when it is no image of its own."""
        own = (chain.decision for chain in self.chains if len(chain.path) == 1)
        return next(own, None)


@dataclass(frozen=True, slots=True)
class DecidedRepository:
    """A case that was decided, so that it can be asked about many versions."""

    case: PlanningInput
    graph: Graph
    decisions: Decisions
    pinned: Mapping[Digest, tuple[Cause, str]]

    def fate(self, digest: Digest) -> VersionFate:
        """Say what becomes of one version of the case."""
        paths = _paths_up(self.graph.kept_by, digest)
        cause, note = self._cause(digest, paths)
        return VersionFate(
            version=self.case.inventory.versions[digest],
            cause=cause,
            is_deleted=digest in self.decisions.to_delete,
            note=note,
            chains=tuple(sorted(self._chains(paths), key=_kept_and_nearest_first)),
        )

    def _chains(self, paths: PathsUp) -> Iterator[Chain]:
        for root in sorted(paths.keys() & self.decisions.images.keys()):
            yield Chain(tuple(self._path(root, paths))[::-1], self.decisions.images[root])

    def _path(self, root: Digest, paths: PathsUp) -> Iterator[Version]:
        """Yield the versions from an image down to the one that hangs on it."""
        digest = root
        while paths[digest] != digest:
            yield self.case.inventory.versions[digest]
            digest = paths[digest]
        yield self.case.inventory.versions[digest]

    def _cause(self, digest: Digest, paths: PathsUp) -> tuple[Cause, str]:
        """Return the cause of an image's own decision, or the one that holds for a follower."""
        own = self.decisions.images.get(digest)
        if own and (own.cause is not Cause.NEEDED or not self._is_needed_above(digest, paths)):
            # Where nothing above an image needs it, something that belongs to it keeps it.
            return own.cause, own.note
        if digest in self.pinned:
            return self.pinned[digest]
        if digest in self.decisions.to_delete:
            return Cause.FOLLOWS, ""
        pins = sorted(paths.keys() & self.pinned.keys())
        return Cause.NEEDED, f"needed by {pins[0]}; {self.pinned[pins[0]][1]}" if pins else ""

    def _is_needed_above(self, digest: Digest, paths: PathsUp) -> bool:
        above = paths.keys() & self.decisions.images.keys() - {digest}
        staying = any(not self.decisions.images[root].expires for root in above)
        return staying or not paths.keys().isdisjoint(self.pinned)


def decide_repository(case: PlanningInput) -> DecidedRepository:
    """Decide a case, as a plan would.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    graph = build_graph(case.inventory)
    decided = decide(
        case.policy, case.inventory, graph, now=case.now, observations=case.observations
    )
    return DecidedRepository(case, graph, decided, pinned(case.policy, case.observations))


def _paths_up(kept_by: Links, start: Digest) -> PathsUp:
    """Walk from a version up to all that keeps it, and remember the shortest way back."""
    paths = {start: start}
    ahead = deque([start])
    while ahead:
        digest = ahead.popleft()
        for owner in kept_by.get(digest, ()):
            if owner not in paths:
                paths[owner] = digest
                ahead.append(owner)
    return paths


def _kept_and_nearest_first(chain: Chain) -> tuple[bool, int]:
    return chain.decision.expires, len(chain.path)


def deletable_from(decided: DecidedRepository, digest: Digest) -> datetime | None:
    """Return the moment from which a version goes, all else unchanged; None if there is none.

    Ages are all that time changes, so the case is decided again for the moments at which an age
    passes a limit. Reasons to keep end and do not come back, so halving finds the first. Only
    an image of unknown age, which is always new, can make room in a calendar bucket even before.

    Shape: the version stays at the moment of the case.
    """
    moments = sorted(_moments_to_try(decided, digest))
    if not moments or not _is_deleted_at(decided, digest, moments[-1]):
        return None
    at = bisect_left(moments, 1, key=lambda moment: _is_deleted_at(decided, digest, moment))
    return moments[at]


def _is_deleted_at(judged: DecidedRepository, digest: Digest, moment: datetime) -> bool:
    case = judged.case
    decided = decide(
        case.policy, case.inventory, judged.graph, now=moment, observations=case.observations
    )
    return digest in decided.to_delete


def _moments_to_try(decided: DecidedRepository, digest: Digest) -> Iterator[datetime]:
    """Yield the moments to come at which the age of something that matters passes a limit."""
    policy = decided.case.policy
    limits = {
        span for rule in policy.judging for span in (rule.keep.within, *_bucket_spans(rule.keep))
    }
    spans = {span.delta for span in (*limits, policy.guards.min_age) if span}
    now = decided.case.now
    ages = {
        now - born
        for version in _relevant(decided, digest)
        for born in _age_starts(version, policy, now)
    }
    waits = {span - age for age in ages for span in spans}
    yield from (now + wait for wait in waits if timedelta() < wait < _NEVER)


def _relevant(decided: DecidedRepository, digest: Digest) -> Iterable[Version]:
    """Return the versions whose age can decide: its relatives, or all where images compete."""
    versions = decided.case.inventory.versions
    if any(rule.keep.extra or _bucket_spans(rule.keep) for rule in decided.case.policy.judging):
        return versions.values()
    owners = closure(decided.graph.kept_by, [digest])
    return [versions[relative] for relative in closure(decided.graph.keeps, owners)]


def _bucket_spans(keep: Keep) -> list[Span]:
    """Return how far back calendar buckets reach, where that is said as a span."""
    return [limit for _, limit in keep.buckets if isinstance(limit, Span)]


def _age_starts(version: Version, policy: Policy, now: datetime) -> Iterator[datetime]:
    """Yield the moments that the ages of a version may count from."""
    yield from (moment for fact in Fact if (moment := version.time(fact)))
    for regex, capture in ((rule.match.regex, rule.age_by.capture) for rule in policy.rules):
        texts = [regex.captured(tag).get(capture, "") for tag in version.tags] if regex else []
        for text in texts:
            # Alone, because among other values it may be no date, and one moment more is no harm.
            yield from read_dates([text], policy.zone, now).values()
