"""What becomes of one version, image or follower, and which images decide it."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.decide import Decision, Decisions, decide, pinned
from reconciler.core.graph import Graph, Links, build_graph
from reconciler.core.planner import PlanningInput
from reconciler.model.inventory import Version
from reconciler.model.names import Digest
from reconciler.model.plan import Cause

Ways = Mapping[Digest, Digest]
"""Each version that keeps one, and the next step from there down to it; itself leads to itself."""


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
    goes: bool
    note: str
    chains: tuple[Chain, ...]

    @property
    def own(self) -> Decision | None:
        """The decision on the version itself; None when it is no image of its own."""
        own = (chain.decision for chain in self.chains if len(chain.path) == 1)
        return next(own, None)


@dataclass(frozen=True, slots=True)
class Judged:
    """A case that was decided, so that it can be asked about many versions."""

    case: PlanningInput
    graph: Graph
    decisions: Decisions
    pinned: Mapping[Digest, tuple[Cause, str]]

    def fate(self, digest: Digest) -> VersionFate:
        """Say what becomes of one version of the case."""
        ways = _ways_up(self.graph.kept_by, digest)
        cause, note = self._cause(digest, ways)
        return VersionFate(
            version=self.case.inventory.versions[digest],
            cause=cause,
            goes=digest in self.decisions.to_delete,
            note=note,
            chains=tuple(sorted(self._chains(ways), key=_staying_and_near_first)),
        )

    def _chains(self, ways: Ways) -> Iterator[Chain]:
        for root in sorted(ways.keys() & self.decisions.images.keys()):
            yield Chain(tuple(self._path(root, ways))[::-1], self.decisions.images[root])

    def _path(self, root: Digest, ways: Ways) -> Iterator[Version]:
        """Yield the versions from an image down to the one that hangs on it."""
        digest = root
        while ways[digest] != digest:
            yield self.case.inventory.versions[digest]
            digest = ways[digest]
        yield self.case.inventory.versions[digest]

    def _cause(self, digest: Digest, ways: Ways) -> tuple[Cause, str]:
        """Return the cause of an image's own decision, or the one that holds for a follower."""
        own = self.decisions.images.get(digest)
        if own and (own.cause is not Cause.NEEDED or not self._is_needed_above(digest, ways)):
            # Where nothing above an image needs it, something that belongs to it keeps it.
            return own.cause, own.note
        if digest in self.pinned:
            return self.pinned[digest]
        if digest in self.decisions.to_delete:
            return Cause.FOLLOWS, ""
        pins = sorted(ways.keys() & self.pinned.keys())
        return Cause.NEEDED, f"needed by {pins[0]}; {self.pinned[pins[0]][1]}" if pins else ""

    def _is_needed_above(self, digest: Digest, ways: Ways) -> bool:
        above = ways.keys() & self.decisions.images.keys() - {digest}
        staying = any(not self.decisions.images[root].expires for root in above)
        return staying or not ways.keys().isdisjoint(self.pinned)


def judge(case: PlanningInput) -> Judged:
    """Decide a case, as a plan would.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    graph = build_graph(case.inventory)
    decided = decide(
        case.policy, case.inventory, graph, now=case.now, observations=case.observations
    )
    return Judged(case, graph, decided, pinned(case.policy, case.observations))


def _ways_up(kept_by: Links, start: Digest) -> Ways:
    """Walk from a version up to all that keeps it, and remember the shortest way back."""
    ways = {start: start}
    ahead = deque([start])
    while ahead:
        digest = ahead.popleft()
        for owner in kept_by.get(digest, ()):
            if owner not in ways:
                ways[owner] = digest
                ahead.append(owner)
    return ways


def _staying_and_near_first(chain: Chain) -> tuple[bool, int]:
    return chain.decision.expires, len(chain.path)
