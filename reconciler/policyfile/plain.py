"""A tree made into the plain values that the model validates, and what is odd in its keys."""

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.yamltree.nodes import ListNode, MapNode, Node, ScalarNode
from reconciler.yamltree.scalars import quoted, value_of

Location = tuple[str | int, ...]
"""The way to a node: keys, and positions in lists."""


class Oddity(NamedTuple):
    """Something YAML allows and a policy does not. Shape: `node` is where it stands."""

    location: Location
    node: Node
    message: str


def plain(node: Node) -> object:
    """Return the values of a tree; of a key that stands twice, the first."""
    match node:
        case ScalarNode():
            return value_of(node)
        case ListNode():
            return [plain(entry) for entry in node.entries]
        case MapNode():
            return {name: plain(value) for name, (_, value) in node.by_name.items()}


def oddities(node: Node, location: Location = ()) -> Iterator[Oddity]:
    """Yield keys that stand twice, are no texts, or would merge another map in."""
    match node:
        case ListNode():
            for position, entry in enumerate(node.entries):
                yield from oddities(entry, (*location, position))
        case MapNode():
            yield from _odd_keys(node, location)
            for name, (_, value) in node.by_name.items():
                yield from oddities(value, (*location, name))


def _odd_keys(node: MapNode, location: Location) -> Iterator[Oddity]:
    for key, _ in node.entries:
        if not isinstance(key, ScalarNode):
            yield Oddity(location, key, "a key is a word, not a list or a map")
        elif (first := node.by_name[key.text][0]) is not key:
            line = first.place.line
            words = f"the key {quoted(key.text)} stands here and in line {line}; remove one"
            yield Oddity(location, key, words)
