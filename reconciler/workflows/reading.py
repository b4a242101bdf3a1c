"""A workflow file made into what it pushes. Hostile as any file; nothing of it is ever run."""

from collections.abc import Iterator, Mapping

from reconciler.workflows.expressions import LONGEST
from reconciler.workflows.workflow import Environment, Job, Step, Workflow
from reconciler.yamltree.compose import compose
from reconciler.yamltree.nodes import ListNode, MapNode, Node, ScalarNode

MAX_VARIABLE = 1_000
"""Longest value of a variable, in characters: one may stand in a text thousands of times."""


def read_workflow(path: str, content: bytes) -> Workflow:
    """Read one workflow file.

    What is no workflow has no jobs, and what is odd in one is passed over: GitHub would refuse
    it, and whoever asks for advice did not ask for that.

    Raises: PolicyProblems, with the place where reading had to stop.
    """
    root = compose(path, content)
    on = _below(root, "on")
    jobs = _entries(_below(root, "jobs"))
    environment = _texts(_below(root, "env"), MAX_VARIABLE)
    return Workflow(
        path=path,
        text=content.decode("utf-8-sig"),
        events=frozenset(_events(on)),
        jobs=tuple(_job(name, node, environment) for name, node in jobs.items()),
        only_tags=_is_only_tags(on),
    )


def _events(on: Node | None) -> Iterator[str]:
    match on:
        case ScalarNode():
            yield on.text
        case ListNode():
            yield from (entry.text for entry in on.entries if isinstance(entry, ScalarNode))
        case MapNode():
            yield from on.by_name


def _is_only_tags(on: Node | None) -> bool:
    """Whether commits alone start nothing: a push only of git tags, or a release."""
    push = _below(on, "push")
    if "tags" in _entries(push):
        return "branches" not in _entries(push) and not {*_events(on)} & {"schedule"}
    return {*_events(on)} <= {"release", "workflow_dispatch"}


def _job(name: str, node: Node, outer: Environment) -> Job:
    environment = {**outer, **_texts(_below(node, "env"), MAX_VARIABLE)}
    steps = _below(node, "steps")
    found = steps.entries if isinstance(steps, ListNode) else ()
    return Job(
        name=name,
        steps=tuple(_step(step, environment) for step in found if isinstance(step, MapNode)),
        is_matrix=_below(node, "strategy", "matrix") is not None,
    )


def _step(node: MapNode, outer: Environment) -> Step:
    texts = _texts(node)
    return Step(
        name=texts.get("name", ""),
        id=texts.get("id", ""),
        uses=texts.get("uses", "").partition("@")[0].strip().lower(),
        script=texts.get("run", ""),
        place=node.place,
        inputs=_texts(_below(node, "with")),
        environment={**outer, **_texts(_below(node, "env"), MAX_VARIABLE)},
        node=node,
    )


def _below(node: Node | None, *keys: str) -> Node | None:
    """Follow keys down from a node, as far as there are any."""
    for key in keys:
        node = _entries(node).get(key)
    return node


def _entries(node: Node | None) -> Mapping[str, Node]:
    pairs = node.by_name if isinstance(node, MapNode) else {}
    return {name: value for name, (_, value) in pairs.items()}


def _texts(node: Node | None, longest: int = LONGEST) -> Mapping[str, str]:
    """Return the values of a map that are single texts, as the file spells them."""
    entries = _entries(node).items()
    texts = ((name, value.text) for name, value in entries if isinstance(value, ScalarNode))
    return {name: text[:longest] for name, text in texts}
