"""Traverse a directed graph that is given as a mapping.

Nothing here recurses: a hostile registry may hold chains longer than the stack.
"""

from collections.abc import Container, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
Edges = Mapping[Node, Iterable[Node]]


def closure(
    edges: Edges[Node], start: Iterable[Node], excluding: Container[Node] = frozenset()
) -> set[Node]:
    """Return all nodes reachable from the start, including it, without entering `excluding`."""
    reached = {node for node in start if node not in excluding}
    ahead = list(reached)
    following = edges.get
    while ahead:
        for node in following(ahead.pop(), ()):
            if node not in reached and node not in excluding:
                reached.add(node)
                ahead.append(node)
    return reached


def finish_order(nodes: Iterable[Node], edges: Edges[Node]) -> list[Node]:
    """Return the nodes in the order in which a depth-first search finishes them.

    Reversed, this is a topological order of a graph without cycles.
    """
    visited: set[Node] = set()
    finished: list[Node] = []
    for start in nodes:
        if start in visited:
            continue
        visited.add(start)
        # The stack of a recursive search, kept as a list of nodes with their remaining edges.
        path = [(start, iter(edges.get(start, ())))]
        while path:
            ahead = path[-1][1]
            following = next((other for other in ahead if other not in visited), None)
            if following is None:
                finished.append(path.pop()[0])
            else:
                visited.add(following)
                path.append((following, iter(edges.get(following, ()))))
    return finished


def strongly_connected(nodes: Iterable[Node], edges: Edges[Node]) -> dict[Node, Node]:
    """Map each node to the representative of its strongly connected component.

    Source: the algorithm of Kosaraju and Sharir, by two depth-first searches.
    """
    back = reversed_edges(edges)
    # What is already in a component is excluded, so each search finds exactly one component.
    standing: dict[Node, Node] = {}
    for node in reversed(finish_order(nodes, edges)):
        if node not in standing:
            standing.update(dict.fromkeys(closure(back, [node], excluding=standing), node))
    return standing


def reversed_edges(edges: Edges[Node]) -> Mapping[Node, Sequence[Node]]:
    """Return the edges in the opposite direction."""
    back: dict[Node, tuple[Node, ...] | list[Node]] = {}
    for source, targets in edges.items():
        # Most nodes have one edge back. All targets of a source share its tuple until then, which
        # saves a list for each of a million nodes.
        alone = (source,)
        for target in targets:
            sources = back.get(target)
            if sources is None:
                back[target] = alone
            elif isinstance(sources, list):
                sources.append(source)
            else:
                back[target] = [*sources, source]
    return back
