"""From the way to a value back to the file: its node, and its name in the file's own words."""

from typing import NamedTuple

from reconciler.errors import InvalidNameError
from reconciler.model.language import Label
from reconciler.policyfile.plain import Location
from reconciler.yamltree.nodes import ListNode, MapNode, Node, ScalarNode
from reconciler.yamltree.scalars import short_text

_NAMED = {"policies": "policy", "rules": "rule", "protect": "protection"}
"""Lists whose entries have names, and what to call an entry that has none."""


class LocatedNode(NamedTuple):
    """How far a location leads. Shape: `location` is the part of it that the file holds."""

    node: Node
    location: Location


def find(root: Node, location: Location) -> LocatedNode:
    """Follow a location as far as the file goes."""
    node = root
    for depth, step in enumerate(location):
        inner = _step(node, step)
        if inner is None:
            return LocatedNode(node, location[:depth])
        node = inner
    return LocatedNode(node, location)


def key_at(root: Node, location: Location) -> Node:
    """Return the key at the end of a location, not its value; or what should hold it."""
    container = find(root, location[:-1]).node
    pairs = container.by_name if isinstance(container, MapNode) else {}
    return pairs.get(str(location[-1]), (container, container))[0]


def location_text(root: Node, location: Location) -> str:
    """Name a location: `web/commits: match.tags[0]`, policy and rule by their names."""
    owners: list[str] = []
    rest = location
    while len(rest) > 1 and isinstance(rest[1], int) and rest[0] in _NAMED:
        entry = find(root, location[: len(location) - len(rest) + 2]).node
        owners.append(_name_of(entry) or f"{_NAMED[str(rest[0])]} {rest[1] + 1}")
        rest = rest[2:]
    return ": ".join(part for part in ("/".join(owners), _dotted(rest)) if part)


def _step(node: Node, step: str | int) -> Node | None:
    match node, step:
        case MapNode(), str() if step in node.by_name:
            return node.by_name[step][1]
        case ListNode(), int() if step < len(node.entries):
            return node.entries[step]
    return None


def _name_of(entry: Node) -> str:
    name = _step(entry, "name")
    try:
        return Label(name.text) if isinstance(name, ScalarNode) else ""
    except InvalidNameError:
        return ""


def _dotted(location: Location) -> str:
    words = (f"[{step}]" if isinstance(step, int) else f".{short_text(step)}" for step in location)
    return "".join(words).lstrip(".")
