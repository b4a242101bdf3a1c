"""Find whether one version is kept or deleted, which images decide it, and when it expires."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.calendar import read_dates
from reconciler.core.decide import Decision, Decisions, decide
from reconciler.core.evaluation import pinned
from reconciler.core.graph import Graph, Links, build_graph
from reconciler.core.planner import PlanningInput
from reconciler.core.walk import closure
from reconciler.model.causes import Cause
from reconciler.model.durations import Span
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from reconciler.model.rules import Keep

PathsUp = Mapping[Digest, Digest]
"""Each version that keeps a given one, mapped to the next step down to it; that one to itself."""

_NEVER = timedelta(days=1_000_000)
"""Later moments are left out: a tag may claim any date, also one that `datetime` cannot hold."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The links from a version up to an image that keeps it. Shape: `path` has both ends."""

    path: tuple[Version, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class VersionFate:
    """Whether one version is kept or deleted, and why.

    Shape: `chains` has one for each image that keeps the version while it is kept: kept images
        first, then the nearest; an image itself has a chain of one. `note` is empty if the chains
        explain everything.
    """

    version: Version
    cause: Cause
    is_deleted: bool
    note: str
    chains: tuple[Chain, ...]

    @property
    def own(self) -> Decision | None:
        """The decision on the version itself; None if it is a follower."""
        own = (chain.decision for chain in self.chains if len(chain.path) == 1)
        return next(own, None)


@dataclass(frozen=True, slots=True)
class DecidedRepository:
    """A repository with its decisions, to find the fate of many versions."""

    case: PlanningInput
    graph: Graph
    decisions: Decisions
    pinned: Mapping[Digest, tuple[Cause, str]]

    def fate(self, digest: Digest) -> VersionFate:
        """Return the fate of one version."""
        paths = _paths_up(self.graph.kept_by, digest)
        cause, note = self._cause(digest, paths)
        versions = self.case.inventory.versions
        chains: list[Chain] = []
        for root in sorted(paths.keys() & self.decisions.images.keys()):
            path = [root]
            # Only the version that is explained is its own next step: it ends every path.
            while paths[path[-1]] != path[-1]:
                path.append(paths[path[-1]])
            links = tuple(versions[step] for step in reversed(path))
            chains.append(Chain(links, self.decisions.images[root]))
        # Kept images first, then the nearest.
        chains.sort(key=lambda chain: (chain.decision.expires, len(chain.path)))
        return VersionFate(
            version=versions[digest],
            cause=cause,
            is_deleted=digest in self.decisions.to_delete,
            note=note,
            chains=tuple(chains),
        )

    def _cause(self, digest: Digest, paths: PathsUp) -> tuple[Cause, str]:
        """Return the cause of an image's own decision, or that of a follower, with a note."""
        images = self.decisions.images
        own, above = images.get(digest), paths.keys() & images.keys() - {digest}
        is_needed_above = any(not images[root].expires for root in above) or (
            not paths.keys().isdisjoint(self.pinned)
        )
        if own and (own.cause is not Cause.NEEDED or not is_needed_above):
            # If no owner needs an image with the cause NEEDED, one of its followers keeps it.
            return own.cause, own.note
        if digest in self.pinned:
            return self.pinned[digest]
        if digest in self.decisions.to_delete:
            return Cause.FOLLOWS, ""
        pins = sorted(paths.keys() & self.pinned.keys())
        return Cause.NEEDED, f"needed by {pins[0]}; {self.pinned[pins[0]][1]}" if pins else ""


def decide_repository(case: PlanningInput) -> DecidedRepository:
    """Decide on a repository, as planning does.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    graph = build_graph(case.inventory)
    decided = decide(
        case.policy, case.inventory, graph, now=case.now, observations=case.observations
    )
    return DecidedRepository(case, graph, decided, pinned(case.policy, case.observations))


def _paths_up(kept_by: Links, start: Digest) -> PathsUp:
    """Go from a version up to all that keep it, and record the shortest path back from each."""
    paths = {start: start}
    # Breadth first, so that the first path found to a version is a shortest one.
    ahead = deque([start])
    while ahead:
        digest = ahead.popleft()
        for owner in kept_by.get(digest, ()):
            if owner not in paths:
                paths[owner] = digest
                ahead.append(owner)
    return paths


def deletable_from(decided: DecidedRepository, digest: Digest) -> datetime | None:
    """Return when a version expires if nothing else changes; None if it never does.

    Time changes only ages, so the repository is decided again for the moments at which an age
    passes a limit. A reason to keep that has ended does not return, so a binary search finds the
    first moment. Only an image of unknown age, which always counts as new, could free a place in a
    calendar bucket earlier.

    Shape: the version is kept at the moment of the case.
    """
    # Between two of these moments no known age passes a limit.
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
    """Yield the future moments at which the age of a relevant version passes a limit."""
    policy = decided.case.policy
    limits = {
        span for rule in policy.judging for span in (rule.keep.within, *_bucket_spans(rule.keep))
    }
    # Equal spans and ages are tried once: a repository has many versions of the same age.
    spans = {span.delta for span in (*limits, policy.guards.min_age) if span}
    now, versions = decided.case.now, decided.case.inventory.versions
    relevant: Iterable[Digest] = versions
    # Where no rule ranks images, the age of other images cannot matter.
    if not any(rule.keep.extra or _bucket_spans(rule.keep) for rule in policy.judging):
        owners = closure(decided.graph.kept_by, [digest])
        relevant = closure(decided.graph.keeps, owners)
    ages = {now - born for each in relevant for born in _age_starts(versions[each], policy, now)}
    waits = {span - age for age in ages for span in spans}
    yield from (now + wait for wait in waits if timedelta() < wait < _NEVER)


def _bucket_spans(keep: Keep) -> list[Span]:
    """Return how far back calendar buckets reach, where the policy gives a span."""
    return [limit for _, limit in keep.buckets if isinstance(limit, Span)]


def _age_starts(version: Version, policy: Policy, now: datetime) -> Iterator[datetime]:
    """Yield the moments that the ages of a version may count from."""
    yield from (moment for fact in Fact if (moment := version.time(fact)))
    for regex, capture in ((rule.match.regex, rule.age_by.capture) for rule in policy.rules):
        texts = [regex.captured(tag).get(capture, "") for tag in version.tags] if regex else []
        for text in texts:
            # Each text is read alone: among other values it may not count as a date, but trying
            # one moment too many does no harm.
            yield from read_dates([text], policy.zone, now).values()
