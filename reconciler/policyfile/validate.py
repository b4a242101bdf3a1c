"""Validate a YAML tree against the model, and report each error at its place in the file."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.errors import InvalidNameError
from reconciler.model.language import Label, PolicyProblems, Problem
from reconciler.model.policy import PolicyFile
from reconciler.policyfile.grammar import POLICIES, Complaint, Grammar, sentence
from reconciler.yamltree.tree import (
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    ScalarType,
    as_written,
    quoted,
    short_text,
    value_of,
    walk,
)

Model = TypeVar("Model", bound=BaseModel)

MAX_EXPRESSIONS = 300
"""Most different regular expressions in one file: each may take a millisecond to compile."""

Location = tuple[str | int, ...]
"""The path to a node: keys, and positions in lists."""

_NAMED = {"policies": "policy", "rules": "rule", "protect": "protection"}
"""Lists whose entries have names, and the noun for an entry without one."""

MAX_PROBLEMS = 200
"""Most problems reported for one file: more would bury the first ones."""

_ABOUT_KEYS = ("missing", "extra_forbidden")


def validate(path: str, root: MapNode) -> PolicyFile:
    """Return the policies of a tree.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    version = find(root, ("version",))
    supported = ScalarNode(version.node.place, "1", ScalarType.NUMBER)
    # Messages about the keys of a file in another version of the language would mislead.
    if version.location and version.node != supported:
        got = as_written(version.node)
        message = f"this reconciler reads version: 1 of the language; got {got}"
        raise PolicyProblems([Problem(path, *version.node.place, "version", message)])
    _refuse_many_expressions(path, root)
    return conform(path, root, PolicyFile, POLICIES)


def conform(path: str, root: MapNode, model: type[Model], grammar: Grammar) -> Model:
    """Validate a tree against the model of its kind of file.

    Raises: PolicyProblems, with everything that is wrong with it.
    """
    odd = [
        Problem(path, *oddity.node.place, location_text(root, oddity.location), oddity.message)
        for oddity in islice(oddities(root), MAX_PROBLEMS)
    ]
    try:
        # The keys of the language only, not the names of fields in Python.
        file = model.model_validate(plain(root), by_name=False, by_alias=True)
    except ValidationError as error:
        # The input of an error may be a whole file, and its address is pydantic's website.
        errors = error.errors(include_url=False, include_input=False)
        raise PolicyProblems([*odd, *problems_of(path, root, grammar, errors)]) from error
    if odd:
        raise PolicyProblems(odd)
    return file


def _refuse_many_expressions(path: str, root: MapNode) -> None:
    # Counted before the model validates them, since that compiles each.
    written = [
        value
        for _, node in walk(root)
        if isinstance(node, MapNode)
        for _, value in [node.by_name.get("regex", (node, node))]
        if isinstance(value, ScalarNode)
    ]
    if len({scalar.text for scalar in written}) > MAX_EXPRESSIONS:
        message = f"the file has more than {MAX_EXPRESSIONS} regular expressions; split it"
        raise PolicyProblems([Problem(path, *written[-1].place, "", message)])


class LocatedNode(NamedTuple):
    """The deepest existing node of a location. Shape: `location` is the part that exists."""

    node: Node
    location: Location


def find(root: Node, location: Location) -> LocatedNode:
    """Follow a location as far as the file has it."""
    node = root
    for depth, step in enumerate(location):
        inner = _step(node, step)
        if inner is None:
            return LocatedNode(node, location[:depth])
        node = inner
    return LocatedNode(node, location)


def key_at(root: Node, location: Location) -> Node:
    """Return the key at the end of a location, not its value; or the node that should have it."""
    container = find(root, location[:-1]).node
    pairs = container.by_name if isinstance(container, MapNode) else {}
    return pairs.get(str(location[-1]), (container, container))[0]


def location_text(root: Node, location: Location) -> str:
    """Write a location as `web/commits: match.tags[0]`, with the names of policy and rule."""
    owners: list[str] = []
    rest = location
    while len(rest) > 1 and isinstance(rest[1], int) and rest[0] in _NAMED:
        entry = find(root, location[: len(location) - len(rest) + 2]).node
        owners.append(_name_of(entry) or f"{_NAMED[str(rest[0])]} {rest[1] + 1}")
        rest = rest[2:]
    steps = (f"[{step}]" if isinstance(step, int) else f".{short_text(step)}" for step in rest)
    keys = "".join(steps).lstrip(".")
    return ": ".join(part for part in ("/".join(owners), keys) if part)


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
    # An invalid name has a problem of its own; here the position is used instead.
    except InvalidNameError:
        return ""


class Oddity(NamedTuple):
    """Something that YAML allows and a policy does not. Shape: `node` has its place."""

    location: Location
    node: Node
    message: str


def plain(node: Node) -> object:
    """Return the values of a tree; of a repeated key, the first value."""
    match node:
        case ScalarNode():
            return value_of(node)
        case ListNode():
            return [plain(entry) for entry in node.entries]
        case MapNode():
            return {name: plain(value) for name, (_, value) in node.by_name.items()}


def oddities(node: Node, location: Location = ()) -> Iterator[Oddity]:
    """Yield keys that are repeated, or are lists or maps."""
    match node:
        case ListNode():
            for position, entry in enumerate(node.entries):
                yield from oddities(entry, (*location, position))
        case MapNode():
            for key, _ in node.entries:
                if not isinstance(key, ScalarNode):
                    yield Oddity(location, key, "a key is a text, not a list or a map")
                elif (first := node.by_name[key.text][0]) is not key:
                    line = first.place.line
                    message = f"the key {quoted(key.text)} is already in line {line}; remove one"
                    yield Oddity(location, key, message)
            for name, (_, value) in node.by_name.items():
                yield from oddities(value, (*location, name))


def problems_of(
    path: str, root: Node, grammar: Grammar, errors: Sequence[ErrorDetails]
) -> Iterator[Problem]:
    """Yield the model's errors as problems, without those that another one causes.

    A misspelled key is also a missing key, and a list whose only entry is invalid is also empty:
    only the first of the two is reported.
    """
    reported = errors[:MAX_PROBLEMS]
    if len(errors) > len(reported):
        message = f"only {MAX_PROBLEMS} of {len(errors)} problems are shown"
        yield Problem(path, 0, 0, "", message)
    # The locations that misspelled keys were meant for: these are not missing.
    unknown = [error["loc"] for error in reported if error["type"] == "extra_forbidden"]
    intended = {
        (*location[:-1], grammar.suggestion(*_level_and_key(location)) or "")
        for location in unknown
    }
    for error in reported:
        node = find(root, error["loc"]).node
        entry_failed = error["type"] == "too_short" and isinstance(node, ListNode) and node.entries
        if not entry_failed and not (error["type"] == "missing" and error["loc"] in intended):
            yield _problem(path, root, grammar, error)


def _problem(path: str, root: Node, grammar: Grammar, error: ErrorDetails) -> Problem:
    kind, reported = error["type"], error["loc"]
    located = find(root, reported)
    location = reported if kind in ("missing", "flaw") else located.location
    level, key = _level_and_key(location)
    complaint = Complaint(
        grammar=grammar,
        kind=kind,
        facts=error.get("ctx", {}),
        node=located.node,
        level=level,
        key=key,
        element=bool(location) and isinstance(location[-1], int),
    )
    at = key_at(root, location) if kind == "extra_forbidden" else located.node
    where = location_text(root, location[:-1] if kind in _ABOUT_KEYS else location)
    return Problem(path, *at.place, where, sentence(complaint))


def _level_and_key(location: Location) -> tuple[str, str]:
    names = ["", "", *(step for step in location if isinstance(step, str))]
    return names[-2], names[-1]
