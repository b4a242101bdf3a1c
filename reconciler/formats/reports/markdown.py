"""A report for a pull request or an issue: GitHub's Markdown, bounded in size."""

import re
from collections.abc import Iterator, Sequence

from reconciler.formats.budget import fitting, octets
from reconciler.formats.html.parts import Cell, Column, Table
from reconciler.formats.markdown import MAX_BYTES
from reconciler.formats.markup import alert, code, row
from reconciler.formats.reports.report import Report, ReportSection
from reconciler.formats.view import View
from reconciler.model.display import safe

ROWS = 50
"""Rows of one table that are written at most."""

_HARMLESS = re.compile(r"(?:[A-Za-z0-9 ,;:()%+'/-]|\.(?= |$|[0-9]))*")
"""What has no meaning in Markdown, and names nobody and nothing."""

_SIDES = {"number": "---:", "text": "---", "code": "---"}


def render(report: Report, _: View) -> str:
    """Write a report: its one sentence, then its sections; whole lines go where it is too long."""
    head = [f"### {report.title}", "", f"**{_escaped(report.last)}**", ""]
    lines = [line for section in report.sections for line in _section(section)]
    room = MAX_BYTES - octets("\n".join(head)) - len(lines)
    shown = fitting(lines, room, lambda count: f"\n... and {count:,} more lines")
    return "\n".join([*head, *shown]).rstrip("\n") + "\n"


def _section(section: ReportSection) -> Iterator[str]:
    yield from (f"#### {code(section.heading)}", "")
    for notice in section.notices:
        kind = "WARNING" if notice.tone == "warns" else "NOTE"
        yield from alert(kind, map(_escaped, (notice.heading, *notice.texts)))
    for text in section.texts:
        yield from (_escaped(text), "")
    for table in section.tables:
        if table.rows:
            yield from _table(table)
    if section.listing:
        yield from ("```yaml", *section.listing.splitlines(), "```", "")
    if section.patch:
        yield from _fenced(section.patch)


def _fenced(patch: str) -> Iterator[str]:
    """Write a patch in a fence that nothing in it can close."""
    longest = max(map(len, re.findall("`+", patch)), default=0)
    fence = "`" * max(longest + 1, 3)
    yield from (f"{fence}diff", *map(safe, patch.splitlines()), fence, "")


def _table(table: Table) -> Iterator[str]:
    yield from (f"**{table.caption}**", "")
    yield row(*(column.title for column in table.columns))
    yield row(*(_SIDES[column.kind] for column in table.columns))
    rows = [_row(table.columns, cells) for cells in table.rows]
    yield from rows[:ROWS]
    if len(rows) > ROWS:
        yield row(f"... and {len(rows) - ROWS:,} more", *[""] * (len(table.columns) - 1))
    yield from ("", *([_escaped(table.more), ""] if table.more else []))


def _row(columns: Sequence[Column], cells: Sequence[Cell]) -> str:
    return row(
        *(
            code(cell.text) if column.kind == "code" else _escaped(cell.text)
            for column, cell in zip(columns, cells, strict=True)
        )
    )


def _escaped(text: str) -> str:
    """Write a sentence as it is where nothing in it can be more than text, else as code."""
    return text if _HARMLESS.fullmatch(text) and "://" not in text else code(text)
