"""A YAML file as a tree in which every node knows its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple


class Place(NamedTuple):
    """A position in a text. Units: line and column count from 1, columns in characters."""

    line: int
    column: int


class Sense(Enum):
    """What YAML takes an unquoted word for."""

    TEXT = "a text"
    NUMBER = "a number"
    SWITCH = "true or false"
    DATE = "a date"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single word or text, as written."""

    place: Place
    text: str
    sense: Sense


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    place: Place
    entries: tuple["Node", ...]


@dataclass(frozen=True)
class MapNode:
    """Keys and values. Shape: in the order of the file, a key possibly twice."""

    place: Place
    entries: tuple[tuple["Node", "Node"], ...]

    @cached_property
    def by_name(self) -> dict[str, tuple["Node", "Node"]]:
        """The first key of each name, with its value."""
        pairs: dict[str, tuple[Node, Node]] = {}
        for key, value in self.entries:
            if isinstance(key, ScalarNode):
                pairs.setdefault(key.text, (key, value))
        return pairs


Node = ScalarNode | ListNode | MapNode


def below(node: Node) -> Iterator[Node]:
    """Yield the nodes directly under one."""
    match node:
        case ListNode():
            yield from node.entries
        case MapNode():
            for pair in node.entries:
                yield from pair


def walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Yield a node and everything below it, each with its depth."""
    yield depth, node
    for inner in below(node):
        yield from walk(inner, depth + 1)
