"""Edits of a workflow file, line by line, so that the rest stays as it is, and as a patch.

Where lines alone cannot tell what belongs together, there is no edit: then only words say what to
change. A patch is made from the edits alone: comparing two texts can take unbounded time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from reconciler.workflows.parse import FOLDER
from reconciler.workflows.workflow import Step, Workflow
from reconciler.yamltree.tree import MapNode, Node

LONGEST_LINE = 2_000
"""Longest line in which something is replaced, in characters."""

AROUND = 2
"""Lines shown before and after what is changed."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines to put in the place of others. Units: `line` counts from 1.

    Shape: `removed` may be empty; then `added` goes before the line.
    """

    line: int
    removed: tuple[str, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LineSpan:
    """The lines of one key and its value. Units: lines count from 1; `indent` in characters."""

    first: int
    lines: tuple[str, ...]
    indent: int

    @property
    def after(self) -> int:
        """The line after the last one."""
        return self.first + len(self.lines)


def set_input(workflow: Workflow, step: Step, name: str, value: str) -> LineEdit | None:
    """Give an action one input, in the place of the value it has or after the last input."""
    held = span(workflow, step, "with", name)
    if held:
        return _replaced(held, [f"{' ' * held.indent}{name}: {value}"])
    inputs = step.node.by_name.get("with", (None, None))[1]
    if not isinstance(inputs, MapNode) or not inputs.by_name:
        return None
    last = span(workflow, step, "with", list(inputs.by_name)[-1])
    if last is None:
        return None
    end = "\r" if last.lines[0].endswith("\r") else ""
    return LineEdit(last.after, (), (f"{' ' * last.indent}{name}: {value}{end}",))


def substituted(
    workflow: Workflow, step: Step, keys: Sequence[str], pattern: str, words: str
) -> LineEdit | None:
    """Replace what a pattern matches in the lines of a value; None where it matches nothing."""
    held = span(workflow, step, *keys)
    if held is None:
        return None
    if any(len(line) > LONGEST_LINE for line in held.lines):
        return None
    changed = [re.sub(pattern, lambda _: words, line) for line in held.lines]
    return _replaced(held, changed) if changed != list(held.lines) else None


def add_lines(
    workflow: Workflow, step: Step, keys: Sequence[str], entries: Sequence[str]
) -> LineEdit | None:
    """Add entries to a list of an input that has one on each line, making it such a list."""
    held = span(workflow, step, *keys)
    pair = step.value(*keys)
    if held is None or pair is None:
        return None
    name, value = pair
    if len(held.lines) > 1:
        indent = len(held.lines[1]) - len(held.lines[1].lstrip(" "))
        known = list(held.lines)
    else:
        indent = held.indent + 2
        known = [f"{' ' * held.indent}{name.text}: |", f"{' ' * indent}{value.text}"]
    return _replaced(held, [*known, *(f"{' ' * indent}{entry}" for entry in entries)])


def span(workflow: Workflow, step: Step, *keys: str) -> LineSpan | None:
    """Return the lines of a key and its value; None where they hold anything else, too."""
    lines = workflow.lines
    key = _key(step.node, keys, lines)
    if key is None:
        return None
    first, indent = key.place.line, key.place.column - 1
    last = first
    for number, line in enumerate(lines[first:], start=first + 1):
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            break
        last = number if line.strip() else last
    return LineSpan(first, tuple(lines[first - 1 : last]), indent)


def _key(node: MapNode, keys: Sequence[str], lines: Sequence[str]) -> Node | None:
    """Find the key at the end of a way; None inside braces, where lines hold several keys."""
    for name in keys[:-1]:
        inner = node.by_name.get(name, (None, None))[1]
        if not isinstance(inner, MapNode):
            return None
        node = inner
    line, column = node.place
    inside_braces = lines[line - 1][column - 1 :].startswith("{")
    return None if inside_braces else node.by_name.get(keys[-1], (None, None))[0]


def _replaced(held: LineSpan, lines: Sequence[str]) -> LineEdit:
    """Put lines in the place of others, and end them as those end."""
    end = "\r" if held.lines[0].endswith("\r") else ""
    return LineEdit(held.first, held.lines, tuple(line.removesuffix("\r") + end for line in lines))


def patch(workflow: Workflow, edits: Iterable[LineEdit]) -> str:
    """Write edits of one workflow as a patch; empty where there are none."""
    ordered = sorted(edits, key=lambda edit: edit.line)
    if not ordered:
        return ""
    name = _name(workflow.path)
    head = (f"--- a/{name}", f"+++ b/{name}")
    return "".join(f"{line}\n" for line in (*head, *_hunks(workflow.lines, _groups(ordered))))


def _name(path: str) -> str:
    """Return the name of a workflow in its own repository, wherever that lies."""
    _, folder, name = path.rpartition(FOLDER.as_posix())
    return f"{folder}{name}" if folder else PurePosixPath(path).name


def _groups(edits: Iterable[LineEdit]) -> Iterator[list[LineEdit]]:
    """Put edits together whose surroundings touch, for a patch names each line once."""
    group: list[LineEdit] = []
    for edit in edits:
        if group and edit.line - (group[-1].line + len(group[-1].removed)) > 2 * AROUND:
            yield group
            group = []
        group.append(edit)
    yield group


def _hunks(lines: Sequence[str], groups: Iterable[Sequence[LineEdit]]) -> Iterator[str]:
    grown = 0
    # The end of the last line parts off an empty one, which is no line of the file.
    end = len(lines) if lines[-1] else len(lines) - 1
    for group in groups:
        first = max(group[0].line - AROUND, 1)
        last = min(group[-1].line + len(group[-1].removed) + AROUND, end + 1)
        body = list(_body(lines, group, first, last))
        added = sum(len(edit.added) - len(edit.removed) for edit in group)
        yield f"@@ -{first},{last - first} +{first + grown},{last - first + added} @@"
        yield from body
        grown += added


def _body(lines: Sequence[str], edits: Iterable[LineEdit], first: int, last: int) -> Iterator[str]:
    """Yield the lines of a hunk: those that stay, go and come."""
    at = first
    for edit in edits:
        yield from (f" {line}" for line in lines[at - 1 : edit.line - 1])
        yield from _changed(edit)
        at = edit.line + len(edit.removed)
    yield from (f" {line}" for line in lines[at - 1 : last - 1])


def _changed(edit: LineEdit) -> Iterator[str]:
    """Yield the lines of an edit; those that it leaves at its beginning stay."""
    pairs = zip(edit.removed, edit.added, strict=False)
    same = next((n for n, (old, new) in enumerate(pairs) if old != new), None)
    same = min(len(edit.removed), len(edit.added)) if same is None else same
    yield from (f" {line}" for line in edit.removed[:same])
    yield from (f"-{line}" for line in edit.removed[same:])
    yield from (f"+{line}" for line in edit.added[same:])
