"""Order deletions so that a run interrupted anywhere leaves no index without its manifests."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import UTC, datetime
from graphlib import CycleError
from heapq import heapify, heappop, heappush

from reconciler.core.graph import Graph
from reconciler.core.walk import closure, reversed_edges, strongly_connected
from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Digest

Rank = tuple[bool, datetime, Digest]
Component = tuple[Digest, ...]

_OLDEST = datetime.min.replace(tzinfo=UTC)


def deletion_order(
    inventory: Inventory, graph: Graph, to_delete: Set[Digest]
) -> tuple[Component, ...]:
    """Order deletions by component: an image, what only it lists, and what refers to them.

    A document that names a digest is deleted before that digest: an index before the manifests it
    lists, a referrer before its subject. Components are oldest first; a child that several images
    share is deleted with the newest of them.

    Shape: nothing outside `to_delete` keeps anything in it; the components together are a
        permutation of it, the same for the same input.
    Source: OCI image-spec v1.1, image-index.md (`manifests`) and manifest.md (`subject`).
    """
    ranks = {digest: _rank(inventory.versions[digest]) for digest in to_delete}
    # References to what is kept do not matter: nothing is deleted on their other end.
    references: dict[Digest, Set[Digest]] = {
        digest: names
        for digest in to_delete
        if (manifest := inventory.versions[digest].manifest)
        and (names := (manifest.names & to_delete) - {digest})
    }
    component_of = _components(graph, ranks, references)
    members: dict[Digest, list[Digest]] = defaultdict(list)
    for digest in sorted(to_delete):
        members[component_of[digest]].append(digest)
    # Components are ordered among each other by the same rule as the versions inside them.
    between = _predecessors(
        members,
        ((component_of[a], component_of[b]) for a, names in references.items() for b in names),
    )
    ordered: list[Component] = []
    for first in _sorted(between, ranks.__getitem__):
        inside = set(members[first])
        # Most images are one version, and have nothing to order.
        if len(inside) == 1:
            ordered.append(tuple(inside))
            continue
        pairs = [
            (digest, name)
            for digest in inside
            for name in references.get(digest, frozenset()) & inside
        ]
        ordered.append(tuple(_sorted(_predecessors(inside, pairs), ranks.__getitem__)))
    return tuple(ordered)


def _rank(version: Version) -> Rank:
    """Sort signatures first, since their tag names what they sign; then the oldest first."""
    signature = any(tag.subject for tag in version.tags)
    return not signature, version.pushed or version.first_seen or _OLDEST, version.digest


def _components(
    graph: Graph, ranks: Mapping[Digest, Rank], references: Mapping[Digest, Set[Digest]]
) -> dict[Digest, Digest]:
    """Map each version to the image it is deleted with: the newest deleted one that keeps it."""
    owner: dict[Digest, Digest] = {}
    deleted_roots = [digest for digest in graph.roots if digest in ranks]
    # Newest first, so that a child that several images share is deleted with the last of them.
    for root in sorted(deleted_roots, key=ranks.__getitem__, reverse=True):
        owner.update(dict.fromkeys(closure(graph.keeps, [root], excluding=owner), root))
    between: dict[Digest, set[Digest]] = defaultdict(set)
    for digest, names in references.items():
        first = owner[digest]
        # Most references stay inside: only components that refer to another can be in a cycle.
        for other in {owner[name] for name in names} - {first}:
            between[first].add(other)
    # Components that refer to each other in a cycle are joined, since neither can come first.
    joined = strongly_connected(
        sorted(between), {first: sorted(names) for first, names in between.items()}
    )
    return {digest: joined.get(first, first) for digest, first in owner.items()}


def _predecessors(
    nodes: Iterable[Digest], pairs: Iterable[tuple[Digest, Digest]]
) -> dict[Digest, set[Digest]]:
    """Map each node to those that come before it; a pair is (earlier, later)."""
    before: dict[Digest, set[Digest]] = {node: set() for node in nodes}
    for earlier, later in pairs:
        if earlier != later:
            before[later].add(earlier)
    return before


def _sorted(
    before: Mapping[Digest, Set[Digest]], rank: Callable[[Digest], Rank]
) -> Iterator[Digest]:
    """Yield the nodes in topological order, the lowest rank first where several are possible.

    Documents cannot refer to each other in a cycle, because a digest is the hash of the document.

    Raises: CycleError, if they do all the same: then no order is safe.
    """
    after = reversed_edges(before)
    waiting = {node: len(earlier) for node, earlier in before.items() if earlier}
    ready = [(rank(node), node) for node, earlier in before.items() if not earlier]
    # A heap, so that the order does not follow that of sets, which differs between runs.
    heapify(ready)
    while ready:
        _, first = heappop(ready)
        yield first
        for node in after.get(first, ()):
            waiting[node] -= 1
            if not waiting[node]:
                del waiting[node]
                heappush(ready, (rank(node), node))
    if waiting:
        raise CycleError(f"{len(waiting)} documents refer to each other in a cycle")
