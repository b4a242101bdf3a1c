"""Parse workflow files to jobs and steps. They are untrusted input, and nothing in them is run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path

from reconciler.model.base import safe
from reconciler.model.language import PolicyProblems
from reconciler.workflows.expressions import LONGEST
from reconciler.workflows.workflow import Environment, Step, Workflow, WorkflowJob
from reconciler.yamltree.compose import MAX_BYTES, compose
from reconciler.yamltree.tree import ListNode, MapNode, Node, ScalarNode

MAX_VARIABLE = 1_000
"""Longest value of a variable, in characters: one text may contain it thousands of times."""

FOLDER = Path(".github/workflows")
"""Where GitHub looks for workflows, in the root of a repository."""

MAX_FILES = 200
"""Most workflow files that are read."""


def read_workflow(path: str, content: bytes) -> Workflow:
    """Read one workflow file.

    A file that is not a workflow has no jobs, and invalid parts are skipped: GitHub reports those,
    and the advice is not about them.

    Raises: PolicyProblems, with the place of the first YAML error.
    """
    root = compose(path, content)
    # YAML 1.1 reads this key as a switch, but the tree has it as it is written.
    on = _below(root, "on")
    jobs = _entries(_below(root, "jobs"))
    environment = _texts(_below(root, "env"), MAX_VARIABLE)
    return Workflow(
        path=path,
        text=content.decode("utf-8-sig"),
        events=frozenset(_events(on)),
        jobs=tuple(_job(name, node, environment) for name, node in jobs.items()),
        # Whether a semver tag is unique depends on this: on branches its metadata makes none.
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
    """Whether only git tags or releases start it, and no commit on a branch does."""
    push = _below(on, "push")
    if "tags" in _entries(push):
        return "branches" not in _entries(push) and not {*_events(on)} & {"schedule"}
    return {*_events(on)} <= {"release", "workflow_dispatch"}


def _job(name: str, node: Node, outer: Environment) -> WorkflowJob:
    environment = {**outer, **_texts(_below(node, "env"), MAX_VARIABLE)}
    steps = _below(node, "steps")
    entries = steps.entries if isinstance(steps, ListNode) else ()
    parsed = []
    for entry in entries:
        if isinstance(entry, MapNode):
            texts = _texts(entry)
            step = Step(
                name=texts.get("name", ""),
                id=texts.get("id", ""),
                # GitHub ignores the case of owner and name; the version does not matter here.
                uses=texts.get("uses", "").partition("@")[0].strip().lower(),
                script=texts.get("run", ""),
                place=entry.place,
                inputs=_texts(_below(entry, "with")),
                environment={**environment, **_texts(_below(entry, "env"), MAX_VARIABLE)},
                node=entry,
            )
            parsed.append(step)
    is_matrix = _below(node, "strategy", "matrix") is not None
    return WorkflowJob(name, tuple(parsed), is_matrix)


def _below(node: Node | None, *keys: str) -> Node | None:
    """Follow keys down from a node; None where one does not exist."""
    for key in keys:
        node = _entries(node).get(key)
    return node


def _entries(node: Node | None) -> Mapping[str, Node]:
    pairs = node.by_name if isinstance(node, MapNode) else {}
    return {name: value for name, (_, value) in pairs.items()}


def _texts(node: Node | None, longest: int = LONGEST) -> Mapping[str, str]:
    """Return the scalar values of a map, as the file spells them."""
    entries = _entries(node).items()
    texts = ((name, value.text) for name, value in entries if isinstance(value, ScalarNode))
    return {name: text[:longest] for name, text in texts}


@dataclass(frozen=True, slots=True)
class WorkflowFiles:
    """Workflows that were read, and why others were not."""

    workflows: tuple[Workflow, ...] = ()
    unread: tuple[str, ...] = ()


def workflow_files() -> list[Path]:
    """List the workflow files below the current folder, which is the root of a repository."""
    return sorted(path for path in FOLDER.glob("*.y*ml") if path.suffix in (".yml", ".yaml"))


def read_workflows(paths: Iterable[Path]) -> WorkflowFiles:
    """Read workflow files; one that cannot be read does not prevent reading the others."""
    workflows: list[Workflow] = []
    unread: list[str] = []
    for number, path in enumerate(paths):
        # The files may be those of a pull request, so their number is bounded.
        if number >= MAX_FILES:
            unread.append(f"{safe(str(path))} and those after it: at most {MAX_FILES} are read")
            break
        try:
            workflows.append(read_workflow(safe(path.as_posix()), _content(path)))
        except PolicyProblems as error:
            unread.append(str(error))
        except OSError as error:
            unread.append(f"{safe(str(path))}: {error.strerror}")
    return WorkflowFiles(tuple(workflows), tuple(unread))


def _content(path: Path) -> bytes:
    """Return the bytes of a workflow file; of one that is too large, enough that it is refused.

    Raises: OSError, when it cannot be read, or is not a regular file: a pipe might never end.
    """
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
