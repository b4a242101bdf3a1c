"""A YAML file as a tree in which every node has its line and column.

Parsers of YAML 1.1 and 1.2 differ: `yes`, `0x1f`, `1e3`. A word that any of them reads as another
type than text has to be quoted where text is meant, so that all parsers and people read the same.
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
    "mapping values are not allowed": "': ' is not allowed here; quote the text or indent less",
    "unknown escape character": _ESCAPE,
    "escape code": _ESCAPE,
    "hexdecimal number": _ESCAPE,
    "directive": _DIRECTIVE,
    "incompatible YAML document": _DIRECTIVE,
    "expected node content": "a value is missing before this character",
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
    "exceeded maximum nesting depth": "this is nested too deeply",
    "character that cannot start any token": "a text cannot start with {character}; quote it",
}
"""Fragments of the parser's messages, and our message for each."""


class Place(NamedTuple):
    """A position in a text. Units: line and column count from 1, columns in characters."""

    line: int
    column: int


class ScalarType(Enum):
    """The type of an unquoted word."""

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
    type: ScalarType


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    place: Place
    entries: tuple["Node", ...]


@dataclass(frozen=True)
class MapNode:
    """Keys and values. Shape: in the order of the file; a key may be repeated."""

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


def children_of(node: Node) -> Iterator[Node]:
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
    for inner in children_of(node):
        yield from walk(inner, depth + 1)


_SCALAR_TYPES = {
    f"{_TAG}int": ScalarType.NUMBER,
    f"{_TAG}float": ScalarType.NUMBER,
    f"{_TAG}bool": ScalarType.SWITCH,
    f"{_TAG}null": ScalarType.NOTHING,
    f"{_TAG}timestamp": ScalarType.DATE,
}
_NUMBER_OF_1_2 = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|0o[0-7]+$")
# All parsers agree on these: no octal, no underscores, no fraction, at most nine digits.
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")
_BOOLEANS = {"true": True, "false": False}

_resolve: Callable[[type[Unresolved], str, tuple[bool, bool]], str] = Resolver().resolve


# Bounded, since the words come from untrusted files.
@lru_cache(maxsize=4096)
def scalar_type_of(word: str) -> ScalarType:
    """Return the type of an unquoted word: text only if it is text to YAML 1.1 and 1.2."""
    if _NUMBER_OF_1_2.match(word):
        return ScalarType.NUMBER
    return _SCALAR_TYPES.get(_resolve(Unresolved, word, (True, False)), ScalarType.TEXT)


def value_of(scalar: ScalarNode) -> object:
    """Return a text, a plain whole number, true or false; the node itself for anything else.

    The node fits no key, so validation reports it, and the message can quote the file: `1.10`,
    not `1.1`.
    """
    match scalar.type:
        case ScalarType.TEXT:
            return scalar.text
        case ScalarType.NUMBER if _PLAIN_NUMBER.fullmatch(scalar.text):
            return int(scalar.text)
        case ScalarType.SWITCH:
            return _BOOLEANS.get(scalar.text, scalar)
        case _:
            return scalar


def short_text(text: str) -> str:
    """Prepare a text of the file for a message: on one line, and not too long."""
    return safe(text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 3] + "...")


def quoted(text: str) -> str:
    """Quote a text of the file in a message."""
    return f"'{short_text(text)}'"


def as_written(node: Node) -> str:
    """Show a value of the file in a message: texts quoted, everything else unquoted."""
    match node:
        case ListNode():
            return "a list"
        case MapNode():
            return "keys and values"
        case ScalarNode(text="", type=ScalarType.NOTHING):
            return "nothing"
        case ScalarNode(type=ScalarType.TEXT):
            return quoted(node.text)
        case _:
            return short_text(node.text)


def explain_error(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Return the place of a syntax error, and a message that says how to fix it."""
    # The problem is where parsing stopped, the context where the open construct began.
    place = _place(error.problem_mark or error.context_mark)
    start = _place(error.context_mark or error.problem_mark).line
    problem = error.problem or "it cannot be read"
    message = next((ours for part, ours in _MESSAGES.items() if part in problem), problem)
    # The place may be past the end of its line, or of the file.
    lines = text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    character = line[place.column - 1 : place.column]
    # Whatever the parser says of a tab, indentation is the cause.
    if character == "\t":
        message = "lines are indented with spaces, never with tabs"
    return place, f"this is not YAML: {message.format(start=start, character=character)}"


def _place(mark: yaml.Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
