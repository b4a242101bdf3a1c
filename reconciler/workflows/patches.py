"""Edits written as a patch, as `git apply` takes it.

It is made from the edits alone: comparing two texts takes as long as whoever wrote them wants.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from reconciler.workflows.edits import LineEdit
from reconciler.workflows.files import FOLDER
from reconciler.workflows.workflow import Workflow

AROUND = 2
"""Lines shown before and after what is changed."""


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
