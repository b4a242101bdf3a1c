"""Edit a workflow file line by line, so that the rest is unchanged, and write the edits as a patch.

Where one line has several keys, there is no edit, and only the text describes the change. The
patch is made from the edits: a general diff of two texts can take unbounded time.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from reconciler.workflows.parse import FOLDER
from reconciler.workflows.workflow import Step, Workflow
from reconciler.yamltree.tree import MapNode

LONGEST_LINE = 2_000
"""Longest line in which a pattern is replaced, in characters: it bounds the time of a regex."""

AROUND = 2
"""Lines shown before and after what is changed."""


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Lines that replace others. Units: `line` counts from 1.

    Shape: if `removed` is empty, `added` is inserted before the line.
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
    """Set one input of an action: replace its value, or add it after the last input."""
    current = span(workflow, step, "with", name)
    if current:
        return _replaced(current, [f"{' ' * current.indent}{name}: {value}"])
    inputs = step.node.by_name.get("with", (None, None))[1]
    if not isinstance(inputs, MapNode) or not inputs.by_name:
        return None
    # The last input shows the indent of all inputs, and its end is where they end.
    last = span(workflow, step, "with", list(inputs.by_name)[-1])
    if last is None:
        return None
    end = "\r" if last.lines[0].endswith("\r") else ""
    return LineEdit(last.after, (), (f"{' ' * last.indent}{name}: {value}{end}",))


def substituted(
    workflow: Workflow, step: Step, keys: Sequence[str], pattern: str, replacement: str
) -> LineEdit | None:
    """Replace the matches of a pattern in the lines of a value; None if nothing matches."""
    current = span(workflow, step, *keys)
    if current is None:
        return None
    if any(len(line) > LONGEST_LINE for line in current.lines):
        return None
    # A function as replacement, so that backslashes in the text are not read as groups.
    changed = [re.sub(pattern, lambda _: replacement, line) for line in current.lines]
    return _replaced(current, changed) if changed != list(current.lines) else None


def add_lines(
    workflow: Workflow, step: Step, keys: Sequence[str], entries: Sequence[str]
) -> LineEdit | None:
    """Add entries to an input with one entry on each line; a single line becomes such a list."""
    current = span(workflow, step, *keys)
    pair = step.value(*keys)
    if current is None or pair is None:
        return None
    name, value = pair
    if len(current.lines) > 1:
        indent = len(current.lines[1]) - len(current.lines[1].lstrip(" "))
        known = list(current.lines)
    else:
        indent = current.indent + 2
        known = [f"{' ' * current.indent}{name.text}: |", f"{' ' * indent}{value.text}"]
    return _replaced(current, [*known, *(f"{' ' * indent}{entry}" for entry in entries)])


def span(workflow: Workflow, step: Step, *keys: str) -> LineSpan | None:
    """Return the lines of a key and its value; None where those lines have other keys, too."""
    lines, node = workflow.lines, step.node
    for name in keys[:-1]:
        inner = node.by_name.get(name, (None, None))[1]
        if not isinstance(inner, MapNode):
            return None
        node = inner
    line, column = node.place
    key = node.by_name.get(keys[-1], (None, None))[0]
    # Inside braces a line has several keys.
    if key is None or lines[line - 1][column - 1 :].startswith("{"):
        return None
    first, indent = key.place.line, key.place.column - 1
    last = first
    for number, text in enumerate(lines[first:], start=first + 1):
        if text.strip() and len(text) - len(text.lstrip(" ")) <= indent:
            break
        # Blank lines after the value belong to what follows.
        last = number if text.strip() else last
    return LineSpan(first, tuple(lines[first - 1 : last]), indent)


def _replaced(current: LineSpan, lines: Sequence[str]) -> LineEdit:
    """Replace lines, with the same line ends."""
    end = "\r" if current.lines[0].endswith("\r") else ""
    return LineEdit(
        current.first, current.lines, tuple(line.removesuffix("\r") + end for line in lines)
    )


def patch(workflow: Workflow, edits: Iterable[LineEdit]) -> str:
    """Write edits of one workflow as a patch; empty where there are none."""
    ordered = sorted(edits, key=lambda edit: edit.line)
    if not ordered:
        return ""
    # A patch names files by their path inside the repository.
    _, folder, file = workflow.path.rpartition(FOLDER.as_posix())
    name = f"{folder}{file}" if folder else PurePosixPath(workflow.path).name
    written = [f"--- a/{name}", f"+++ b/{name}"]
    lines, grown = workflow.lines, 0
    # Splitting at the last newline leaves an empty text, which is not a line of the file.
    end = len(lines) if lines[-1] else len(lines) - 1
    for group in _groups(ordered):
        first = max(group[0].line - AROUND, 1)
        last = min(group[-1].line + len(group[-1].removed) + AROUND, end + 1)
        added = sum(len(edit.added) - len(edit.removed) for edit in group)
        written += [f"@@ -{first},{last - first} +{first + grown},{last - first + added} @@"]
        written += _body(lines, group, first, last)
        # The line numbers of later hunks in the new file are moved by this many lines.
        grown += added
    return "".join(f"{line}\n" for line in written)


def _groups(edits: Iterable[LineEdit]) -> Iterator[list[LineEdit]]:
    """Group edits whose context lines touch: a patch contains each line once."""
    group: list[LineEdit] = []
    for edit in edits:
        if group and edit.line - (group[-1].line + len(group[-1].removed)) > 2 * AROUND:
            yield group
            group = []
        group.append(edit)
    yield group


def _body(lines: Sequence[str], edits: Iterable[LineEdit], first: int, last: int) -> Iterator[str]:
    """Yield the lines of a hunk: unchanged, removed and added ones."""
    at = first
    for edit in edits:
        yield from (f" {line}" for line in lines[at - 1 : edit.line - 1])
        # Equal lines at the beginning of an edit are unchanged ones.
        pairs = zip(edit.removed, edit.added, strict=False)
        same = next((n for n, (old, new) in enumerate(pairs) if old != new), None)
        same = min(len(edit.removed), len(edit.added)) if same is None else same
        yield from (f" {line}" for line in edit.removed[:same])
        yield from (f"-{line}" for line in edit.removed[same:])
        yield from (f"+{line}" for line in edit.added[same:])
        at = edit.line + len(edit.removed)
    yield from (f" {line}" for line in lines[at - 1 : last - 1])
