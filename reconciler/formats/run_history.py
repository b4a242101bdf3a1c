"""The runs of one repository as a report: deletions by month, and a row for each run."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date

from reconciler.formats.log import summaries
from reconciler.formats.phrases import counted, distance, moment
from reconciler.formats.report import Cell, Column, Layer, Report, ReportSection, Table, TimeChart
from reconciler.formats.view import View
from reconciler.model.journal import OutcomeBody, Record, Result
from reconciler.model.names import Repository

MONTHS = 12
"""How many months a chart has, the present one included."""

_RUNS = (
    Column("When"),
    Column("Run", "code"),
    Column("Who"),
    Column("Versions"),
    Column("Took", "number"),
)


def report(repository: Repository, records: Sequence[Record], view: View) -> Report:
    """Build the report, the latest run first."""
    runs = summaries({repository: records})
    rows = [
        (
            Cell(f"{moment(run.opened)}, {distance(run.opened, view.now)}", run.opened.timestamp()),
            Cell(run.run),
            Cell(run.who),
            Cell(run.counts_text),
            Cell(run.took),
        )
        for run in runs
    ]
    texts = [] if runs else ["No run has been recorded yet."]
    return Report(
        "Log",
        f"Log: {counted(len(runs), 'run')}.",
        sections=(
            ReportSection(
                repository,
                texts,
                courses=[by_month(records, view)] if runs else [],
                tables=[Table(counted(len(runs), "run"), _RUNS, rows)],
            ),
        ),
    )


def by_month(records: Sequence[Record], view: View) -> TimeChart:
    """Count the versions that were deleted and restored in each of the last months."""
    today = view.now.astimezone(UTC).date()
    days = [_month(today, back) for back in range(MONTHS - 1, -1, -1)]
    deleted: Counter[date] = Counter()
    restored: Counter[date] = Counter()
    for record in records:
        body = record.content
        if isinstance(body, OutcomeBody) and body.result in (Result.DELETED, Result.RESTORED):
            counts = deleted if body.result is Result.DELETED else restored
            counts[record.ts.astimezone(UTC).date().replace(day=1)] += 1
    layers = [Layer("deleted", [deleted[day] for day in days], "delete")]
    if restored:
        layers.append(Layer("restored", [restored[day] for day in days], "keep"))
    end = _month(today, -1)
    return TimeChart("Versions by month", days[0], end, days, layers, columns=True)


def _month(day: date, back: int) -> date:
    """Return the first day of the month so many months before a day."""
    number = day.year * 12 + day.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)
