"""Walks over a directed graph given as a mapping; nothing here recurses."""

from collections import defaultdict
from collections.abc import Container, Hashable, Iterable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
Edges = Mapping[Node, Iterable[Node]]


def closure(
    edges: Edges[Node], start: Iterable[Node], excluding: Container[Node] = frozenset()
) -> set[Node]:
    """Return all that can be reached along the edges, the start with it, not entering `beyond`."""
    reached = {node for node in start if node not in excluding}
    ahead = list(reached)
    while ahead:
        for node in edges.get(ahead.pop(), ()):
            if node not in reached and node not in excluding:
                reached.add(node)
                ahead.append(node)
    return reached


def finish_order(nodes: Iterable[Node], edges: Edges[Node]) -> list[Node]:
    """Return the nodes in the order in which a depth-first walk is done with them.

    Read backwards, nothing comes before what leads to it, circles apart.
    """
    visited: set[Node] = set()
    finished: list[Node] = []
    for start in nodes:
        if start in visited:
            continue
        visited.add(start)
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
    """Map each node to the one that stands for all the nodes in a circle with it.

    Source: Kosaraju and Sharir, strong-connectivity by two depth-first walks.
    """
    back = reversed_edges(edges)
    standing: dict[Node, Node] = {}
    for node in reversed(finish_order(nodes, edges)):
        if node not in standing:
            standing.update(dict.fromkeys(closure(back, [node], excluding=standing), node))
    return standing


def reversed_edges(edges: Edges[Node]) -> dict[Node, list[Node]]:
    """Return the same edges, each leading the other way."""
    back: dict[Node, list[Node]] = defaultdict(list)
    for source, targets in edges.items():
        for target in targets:
            back[target].append(source)
    return dict(back)
