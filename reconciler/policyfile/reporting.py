"""The model's errors brought back to the file: where each belongs, and what to say there."""

from collections.abc import Iterator, Sequence

from pydantic_core import ErrorDetails

from reconciler.model.problems import Problem
from reconciler.policyfile.keys import Grammar
from reconciler.policyfile.places import find, key_at, location_text
from reconciler.policyfile.plain import Location
from reconciler.policyfile.sentences import Complaint, sentence
from reconciler.yamltree.nodes import ListNode, Node

MAX_PROBLEMS = 200
"""Most problems told about one file at once."""

_ABOUT_KEYS = ("missing", "extra_forbidden")


def problems_of(
    path: str, root: Node, grammar: Grammar, errors: Sequence[ErrorDetails]
) -> Iterator[Problem]:
    """Yield the model's errors as problems, without those that only follow from others."""
    told = errors[:MAX_PROBLEMS]
    if len(errors) > len(told):
        words = f"only {MAX_PROBLEMS} of {len(errors)} problems are told here"
        yield Problem(path, 0, 0, "", words)
    meant = {
        _intended_location(grammar, error["loc"])
        for error in told
        if error["type"] == "extra_forbidden"
    }
    for error in told:
        node = find(root, error["loc"]).node
        entry_failed = error["type"] == "too_short" and isinstance(node, ListNode) and node.entries
        if not entry_failed and not (error["type"] == "missing" and error["loc"] in meant):
            yield _problem(path, root, grammar, error)


def _intended_location(grammar: Grammar, location: Location) -> Location:
    """Return where an unknown key would stand had it been spelled right."""
    level, key = _level_and_key(location)
    return (*location[:-1], grammar.suggestion(level, key) or "")


def _problem(path: str, root: Node, grammar: Grammar, error: ErrorDetails) -> Problem:
    kind, told = error["type"], error["loc"]
    found = find(root, told)
    location = told if kind in ("missing", "flaw") else found.location
    level, key = _level_and_key(location)
    complaint = Complaint(
        grammar=grammar,
        kind=kind,
        facts=error.get("ctx", {}),
        node=found.node,
        level=level,
        key=key,
        element=bool(location) and isinstance(location[-1], int),
    )
    at = key_at(root, location) if kind == "extra_forbidden" else found.node
    where = location_text(root, location[:-1] if kind in _ABOUT_KEYS else location)
    return Problem(path, *at.place, where, sentence(complaint))


def _level_and_key(location: Location) -> tuple[str, str]:
    names = ["", "", *(step for step in location if isinstance(step, str))]
    return names[-2], names[-1]
