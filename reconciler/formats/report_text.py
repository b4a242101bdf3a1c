"""A report as text, Markdown and HTML, by the name that `--format` gives them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.text import Text

from reconciler.formats.html_page import page
from reconciler.formats.markdown import alert, code, fence_around
from reconciler.formats.markdown import row as markdown_row
from reconciler.formats.phrases import counted, fitting, octets, shortened
from reconciler.formats.plan_markdown import MAX_BYTES
from reconciler.formats.report import Cell, Report, ReportSection, Table
from reconciler.formats.terminal import folded, line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.base import safe

TEXT_ROWS = 20
"""Rows of one table that are printed without `--all`."""

WIDEST = 44
"""Greatest width of a table's column that is not the last."""

_LAST = 24
"""Least width of a table's last column."""

_GAP = "  "
_STYLES = {"warn": "yellow", "delete": "red", "keep": "green", "": ""}

MARKDOWN_ROWS = 50
"""Most rows of one table in Markdown."""

_HARMLESS = re.compile(r"(?:[A-Za-z0-9 ,;:()%+'/-]|\.(?= |$|[0-9]))*")
"""Text without a meaning in Markdown, and without mentions or references."""

_SIDES = {"number": "---:", "text": "---", "code": "---"}


def render_text(report: Report, view: View) -> str:
    """Print a report: the sections, then the summary."""
    lines: list[Text] = []
    if report.answer:
        lines += wrapped(f"{report.answer}.", view, style="bold")
        # On a line of its own, so that it can be copied.
        lines += [*([line(f"Next: {report.next}")] if report.next else []), line()]
    for section in report.sections:
        lines += [*_text_section(section, view), line()]
    # Last, because a terminal shows only the end of a long report.
    lines += wrapped(report.last, view, style="bold")
    return printed(lines, view)


def _text_section(section: ReportSection, view: View) -> Iterator[Text]:
    yield line((section.heading, "bold"))
    for notice in section.notices:
        style = _STYLES[notice.tone]
        yield from wrapped(notice.heading, view, lead="  ", style=style)
        for text in notice.texts:
            yield from wrapped(text, view, lead="    ", style=style)
    for text in section.texts:
        yield from wrapped(text, view, lead="  ")
    for table in section.tables:
        if table.rows:
            yield line()
            yield from _text_table(table, view)
    if section.listing:
        yield line()
        yield from map(line, section.listing.splitlines())
    if section.patch:
        yield line()
        yield from map(line, section.patch.splitlines())


def _text_table(table: Table, view: View) -> Iterator[Text]:
    # Widths are those of the displayed rows: a hidden long cell must not widen a column.
    displayed = table.rows if view.all_rows else table.rows[:TEXT_ROWS]
    titles = [Cell(column.title) for column in table.columns]
    right = [column.kind == "number" for column in table.columns]
    columns = zip(titles, *displayed, strict=True)
    *needed, last = (max(len(safe(cell.text)) for cell in column) for column in columns)
    # Each column gets the width it needs, and the last one, which is wrapped, the remaining width.
    cut = [min(width, WIDEST) for width in needed]
    remaining = view.width - sum(cut) - len(_GAP) * (len(cut) + 1)
    widths = [*cut, max(min(last, remaining), min(last, _LAST))]
    yield line((f"  {table.caption}", "bold"))
    for number, row in enumerate([titles, *displayed]):
        yield from _text_row(row, widths, right, style="" if number else "dim")
    if hidden := len(table.rows) - len(displayed):
        yield line(f"  ... and {counted(hidden, 'more row')}; --all has them")
    if table.more:
        yield from wrapped(table.more, view, lead="  ")


def _text_row(
    row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool], *, style: str
) -> Iterator[Text]:
    """Print one row; its last cell is wrapped, and the others are cut."""
    *cells, last = (safe(cell.text) for cell in row)
    start = [
        _padded(shortened(text, width), width, right=side)
        for text, width, side in zip(cells, widths, right, strict=False)
    ]
    lead = "".join(f"{_GAP}{text}" for text in start)
    for text in folded(last, widths[-1]) or [""]:
        yield line((f"{lead}{_GAP}{_padded(text, widths[-1], right=right[-1])}", style))
        lead = " " * len(lead)


def _padded(text: str, width: int, *, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def render_markdown(report: Report, _: View) -> str:
    """Write a report: the summary, then the sections; lines that do not fit are omitted."""
    head = [f"### {report.title}", ""]
    if report.answer:
        onward = f"; next: {code(report.next)}" if report.next else ""
        head += [f"**{_escaped(report.answer)}**{onward}", ""]
    head += [_escaped(report.last) if report.answer else f"**{_escaped(report.last)}**", ""]
    lines = [line for section in report.sections for line in _markdown_section(section)]
    # Each line needs one more byte for its line break.
    room = MAX_BYTES - octets("\n".join(head)) - len(lines)
    displayed = fitting(lines, room, lambda count: f"\n... and {count:,} more lines")
    return "\n".join([*head, *displayed]).rstrip("\n") + "\n"


def _markdown_section(section: ReportSection) -> Iterator[str]:
    yield from (f"#### {code(section.heading)}", "")
    for notice in section.notices:
        kind = "WARNING" if notice.tone == "warn" else "NOTE"
        yield from alert(kind, map(_escaped, (notice.heading, *notice.texts)))
    for text in section.texts:
        yield from (_escaped(text), "")
    for table in section.tables:
        if table.rows:
            yield from _markdown_table(table)
    if section.listing:
        yield from ("```yaml", *section.listing.splitlines(), "```", "")
    if section.patch:
        fence = fence_around(section.patch)
        yield from (f"{fence}diff", *map(safe, section.patch.splitlines()), fence, "")


def _markdown_table(table: Table) -> Iterator[str]:
    yield from (f"**{table.caption}**", "")
    yield markdown_row(*(column.title for column in table.columns))
    yield markdown_row(*(_SIDES[column.kind] for column in table.columns))
    for cells in table.rows[:MARKDOWN_ROWS]:
        yield markdown_row(
            *(
                code(cell.text) if column.kind == "code" else _escaped(cell.text)
                for column, cell in zip(table.columns, cells, strict=True)
            )
        )
    if (hidden := len(table.rows) - MARKDOWN_ROWS) > 0:
        yield markdown_row(f"... and {hidden:,} more", *[""] * (len(table.columns) - 1))
    yield from ("", *([_escaped(table.more), ""] if table.more else []))


def _escaped(text: str) -> str:
    """Write a sentence unchanged where it has no meaning in Markdown, else as code."""
    # GitHub makes a link of a plain URL, even within a sentence.
    return text if _HARMLESS.fullmatch(text) and "://" not in text else code(text)


def render_html(report: Report, view: View) -> str:
    """Write a report as one page: summary, figures, then the sections."""
    return page("report.html.j2", title=report.title, pages=view.pages, report=report)


FORMATS: Mapping[str, Callable[[Report, View], str]] = {
    "text": render_text,
    "markdown": render_markdown,
    "html": render_html,
}
"""Each format by its name. JSON is written by each kind of report itself."""
