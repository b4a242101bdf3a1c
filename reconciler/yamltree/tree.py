"""A YAML file as a tree in which every node knows its place.

Readers of YAML 1.1 and 1.2 differ: `yes`, `0x1f`, `1e3`. A word that any of them takes for
something else than text has to be quoted where text is meant, so that everybody reads the same.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property, lru_cache
from typing import NamedTuple

import yaml
from yaml.nodes import ScalarNode as Unresolved
from yaml.resolver import Resolver

from reconciler.model.base import safe

_MAX_TEXT = 60
"""Most characters of the file that one message quotes."""

_TAG = "tag:yaml.org,2002:"

_ESCAPE = "in double quotes a backslash starts an escape; use single quotes"
_DIRECTIVE = "a line that starts with % is a directive, and policies have none; remove it"
_MESSAGES = {
    "mapping values are not allowed": "a ': ' cannot stand here; quote the text or indent less",
    "unknown escape character": _ESCAPE,
    "escape code": _ESCAPE,
    "hexdecimal number": _ESCAPE,
    "directive": _DIRECTIVE,
    "incompatible YAML document": _DIRECTIVE,
    "expected node content": "a value is missing before this sign",
    "alphabetic or numeric character": '* and & have a meaning in YAML; quote the pattern: "*"',
    "expected ',' or ']'": "the list that opens in line {start} lacks a comma or its ]",
    "expected ',' or '}'": "the brace that opens in line {start} lacks a comma or its }}",
    "unexpected end of stream": "the quote that opens in line {start} is never closed",
    "unexpected document indicator": "the quote that opens in line {start} is never closed",
    "did not find expected key": "this line is indented unlike the lines above it",
    "expected '-' indicator": "this line is indented unlike the list above it",
    "could not find expected ':'": "a key lacks its ': '; look at the line above, too",
    "expected <document start>": "a document ends above this line, and one file holds one",
    "block sequence entries": "a list cannot start here; put each '- ' on a line of its own",
    "exceeded maximum nesting depth": "this is nested too deep",
    "character that cannot start any token": "a text cannot start with {sign}; quote it",
}
"""Fragments of what the parser says, and what we say instead."""


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


_SENSES = {
    f"{_TAG}int": Sense.NUMBER,
    f"{_TAG}float": Sense.NUMBER,
    f"{_TAG}bool": Sense.SWITCH,
    f"{_TAG}null": Sense.NOTHING,
    f"{_TAG}timestamp": Sense.DATE,
}
_NUMBER_OF_1_2 = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|0o[0-7]+$")
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_SWITCHES = {"true": True, "false": False}

_resolve: Callable[[type[Unresolved], str, tuple[bool, bool]], str] = Resolver().resolve


@lru_cache(maxsize=4096)
def sense_of(word: str) -> Sense:
    """Say what an unquoted word is to a reader of YAML 1.1 or 1.2."""
    if _NUMBER_OF_1_2.match(word):
        return Sense.NUMBER
    return _SENSES.get(_resolve(Unresolved, word, (True, False)), Sense.TEXT)


def value_of(scalar: ScalarNode) -> object:
    """Return a text, a plain whole number, true or false; the node itself for anything else.

    The node fits no key, so whoever validates the value reports it, and the message can quote
    what the file says: `1.10` and not `1.1`.
    """
    match scalar.sense:
        case Sense.TEXT:
            return scalar.text
        case Sense.NUMBER if _PLAIN_NUMBER.fullmatch(scalar.text):
            return int(scalar.text)
        case Sense.SWITCH:
            return _SWITCHES.get(scalar.text, scalar)
        case _:
            return scalar


def short_text(text: str) -> str:
    """Prepare a text of the file for a message: on one line, and not too long."""
    return safe(text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "...")


def quoted(text: str) -> str:
    """Quote a text of the file in a message."""
    return f"'{short_text(text)}'"


def as_written(node: Node) -> str:
    """Show a value of the file in a message: texts quoted, everything else bare."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "keys and values"
        case ScalarNode(text="", sense=Sense.NOTHING):
            return "nothing"
        case ScalarNode(sense=Sense.TEXT):
            return quoted(node.text)
        case _:
            return short_text(node.text)


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Return the place of a syntax error, and a sentence that says how to mend it."""
    place = _place(error.problem_mark or error.context_mark)
    start = _place(error.context_mark or error.problem_mark).line
    problem = error.problem or "it cannot be read"
    words = next((words for part, words in _MESSAGES.items() if part in problem), problem)
    sign = _sign(text, place)
    if sign == "\t":
        words = "lines are indented with spaces, never with tabs"
    return place, f"this is not YAML: {words.format(start=start, sign=sign)}"


def _place(mark: yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)


def _sign(text: str, place: Place) -> str:
    """Return the character at a place, empty past the end of its line."""
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]
