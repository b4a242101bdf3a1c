"""A report for people, on a terminal or in a log: what machines read comes last."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from reconciler.formats.html.parts import Cell, Notice, Table
from reconciler.formats.humanise import counted, shortened
from reconciler.formats.paper import folded, line, printed, wrapped
from reconciler.formats.reports.report import Report, ReportSection
from reconciler.formats.view import View
from reconciler.model.display import safe

ROWS = 20
"""Rows of one table that are printed unless all are asked for."""

WIDEST = 44
"""Most columns of the terminal for one column of a table that is not its last."""

_LAST = 24
"""Fewest columns of the terminal for the last column of a table."""

_GAP = "  "
_STYLES = {"warns": "yellow", "goes": "red", "stays": "green", "": ""}


def render(report: Report, view: View) -> str:
    """Print a report, its sections first and its one sentence last."""
    return printed(_lines(report, view), view)


def _lines(report: Report, view: View) -> Iterator[Text]:
    for section in report.sections:
        yield from _section(section, view)
        yield line()
    yield from wrapped(report.last, view, style="bold")


def _section(section: ReportSection, view: View) -> Iterator[Text]:
    yield line((section.heading, "bold"))
    for notice in section.notices:
        yield from _notice(notice, view)
    for text in section.texts:
        yield from wrapped(text, view, lead="  ")
    for table in section.tables:
        if table.rows:
            yield line()
            yield from _table(table, view)
    if section.listing:
        yield line()
        yield from map(line, section.listing.splitlines())
    if section.patch:
        yield line()
        yield from map(line, section.patch.splitlines())


def _notice(notice: Notice, view: View) -> Iterator[Text]:
    style = _STYLES[notice.tone]
    yield from wrapped(notice.heading, view, lead="  ", style=style)
    for text in notice.texts:
        yield from wrapped(text, view, lead="    ", style=style)


def _table(table: Table, view: View) -> Iterator[Text]:
    shown = table.rows if view.all_rows else table.rows[:ROWS]
    titles = [Cell(column.title) for column in table.columns]
    right = [column.kind == "number" for column in table.columns]
    widths = _widths([titles, *shown], view)
    yield line((f"  {table.caption}", "bold"))
    for number, row in enumerate([titles, *shown]):
        yield from _row(row, widths, right, style="" if number else "dim")
    if hidden := len(table.rows) - len(shown):
        yield line(f"  ... and {counted(hidden, 'more row')}; --all has them")
    if table.more:
        yield from wrapped(table.more, view, lead="  ")


def _widths(rows: Sequence[Sequence[Cell]], view: View) -> list[int]:
    """Give each column what it needs, and the last one what is left."""
    *widths, last = (
        max(len(safe(cell.text)) for cell in column) for column in zip(*rows, strict=True)
    )
    widths = [min(width, WIDEST) for width in widths]
    left = view.width - sum(widths) - len(_GAP) * (len(widths) + 1)
    return [*widths, max(min(last, left), min(last, _LAST))]


def _row(
    row: Sequence[Cell], widths: Sequence[int], right: Sequence[bool], *, style: str
) -> Iterator[Text]:
    """Print one row; its last cell goes on below itself, the others are cut."""
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
