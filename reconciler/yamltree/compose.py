"""Compose the text of a YAML file to a tree, in bounded time and memory.

Policies and workflows come from pull requests, so the text is untrusted: deep nesting, expanding
aliases, type tags, and characters that a reviewer cannot see are refused.
"""

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import NoReturn

import yaml

from reconciler.model.language import PolicyProblems, Problem
from reconciler.yamltree.tree import (
    ListNode,
    MapNode,
    Node,
    Place,
    ScalarNode,
    ScalarType,
    explain_error,
    scalar_type_of,
    walk,
)

MAX_BYTES = 1024 * 1024
"""Largest file, in bytes."""

MAX_NODES = 30_000
"""Most keys, values and entries in one file after expanding aliases.

This bounds aliases of aliases, which grow exponentially ("billion laughs").
"""

MAX_DEPTH = 16
"""Deepest nesting; policies need 8, workflows about as much."""

MAX_ENTRIES = 1_000
"""Most entries in one list."""

# libyaml is some twenty times faster; without it the events are the same (ADR 0004).
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls, and line breaks that editors do not show
    "\u200e\u200f\u2028-\u202e\u2066-\u2069"  # marks that reorder what a reviewer sees
    "\ud800-\udfff\ufeff\ufffe\uffff]"
)


def compose(path: str, content: bytes) -> Node | None:
    """Return the tree of a file, None when the file is empty.

    Raises: PolicyProblems, with the one place where reading had to stop.
    """
    return _Composer(path, _decoded(path, content)).document()


def _decoded(path: str, content: bytes) -> str:
    """Decode a file, and refuse characters that a reviewer cannot see."""
    if len(content) > MAX_BYTES:
        _refuse(path, Place(0, 0), f"the file is larger than {MAX_BYTES} bytes; split it")
    try:
        # Editors on Windows may write a byte order mark, which is not a part of the text.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(content[: error.start].decode("utf-8-sig"))
        _refuse(path, place, "the file is not UTF-8 from here on; save it as UTF-8")
    if hidden := _HIDDEN.search(text):
        message = f"the character U+{ord(hidden[0]):04X} is invisible; remove it"
        _refuse(path, _place_of(text[: hidden.start()]), message)
    return text


def _place_of(before: str) -> Place:
    """Return the place right after a text."""
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _refuse(path: str, place: Place, message: str) -> NoReturn:
    raise PolicyProblems([Problem(path, *place, "", message)])


class _Composer:
    """Builds one tree from the parser's events."""

    def __init__(self, path: str, text: str) -> None:
        """Start with the parser's events, unread, and no anchors."""
        self._path = path
        self._text = text
        self._events = self._parsed()
        self._anchors: dict[str, Node] = {}
        self._count = 0

    def document(self) -> Node | None:
        """Read the one document of the file."""
        next(self._events)  # the start of the stream
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._refuse(_start(after), "a second document starts here; one file holds one")
        return root

    def _parsed(self) -> Iterator[yaml.Event]:
        """Yield the parser's events; its errors become problems with our messages."""
        try:
            yield from yaml.parse(self._text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            self._refuse(*explain_error(error, self._text))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        place = _start(event)
        self._enter(place, depth)
        match event:
            case yaml.AliasEvent():
                return self._aliased(event, place, depth)
            case yaml.ScalarEvent():
                # A quoted word is always a text, and so is one with an explicit tag.
                plain = event.implicit[0] and not event.tag
                kind = scalar_type_of(event.value) if plain else ScalarType.TEXT
                node: Node = ScalarNode(place, event.value, kind)
            case yaml.SequenceStartEvent():
                entries = self._until(yaml.SequenceEndEvent)
                node = ListNode(place, tuple(self._node(entry, depth + 1) for entry in entries))
                if len(node.entries) > MAX_ENTRIES:
                    count = len(node.entries)
                    message = f"this list has {count} entries; at most {MAX_ENTRIES} are allowed"
                    self._refuse(place, message)
            case _:
                keys = self._until(yaml.MappingEndEvent)
                # After the event of a key, the next ones are those of its value.
                pairs = (
                    (self._node(key, depth + 1), self._node(next(self._events), depth + 1))
                    for key in keys
                )
                node = MapNode(place, tuple(pairs))
        self._refuse_tag(event, place)
        # Named only when complete: an alias inside its own anchor is refused as unknown.
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _until(self, end: type[yaml.Event]) -> Iterator[yaml.Event]:
        return takewhile(lambda event: not isinstance(event, end), self._events)

    def _aliased(self, event: yaml.AliasEvent, place: Place, depth: int) -> Node:
        """Return the node that an alias refers to, counted as if it were repeated here."""
        node = self._anchors.get(event.anchor or "")
        if node is None:
            message = (
                f'*{event.anchor} names no anchor above; quote a pattern, as in "*{event.anchor}"'
            )
            self._refuse(place, message)
        # Otherwise a few aliases of aliases would stand for billions of values.
        for level, _ in walk(node, depth):
            self._enter(place, level)
        return node

    def _enter(self, place: Place, depth: int) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            self._refuse(place, f"the file holds more than {MAX_NODES} values; split it")
        if depth > MAX_DEPTH:
            self._refuse(place, f"this is nested more than {MAX_DEPTH} levels deep")

    def _refuse_tag(self, event: yaml.Event, place: Place) -> None:
        # Loaders of other tools construct objects from tags, and no policy needs one.
        tag = getattr(event, "tag", None)
        allowed = _TEXT_TAGS if isinstance(event, yaml.ScalarEvent) else (None,)
        if tag not in allowed:
            self._refuse(place, "a word that starts with ! names a type; remove or quote it")

    def _refuse(self, place: Place, message: str) -> NoReturn:
        _refuse(self._path, place, message)


def _start(event: yaml.Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else Place(0, 0)
