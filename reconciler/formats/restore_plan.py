"""A restore plan as text, Markdown and HTML: what is restored, until when, and what is not."""

from collections.abc import Iterator
from datetime import timedelta

from rich.text import Text

from reconciler.formats import phrases
from reconciler.formats.html_page import page
from reconciler.formats.html_plan import ROWS as HTML_PLAN_ROWS
from reconciler.formats.html_plan import count, more, notices
from reconciler.formats.images import ExpiredImage, expired
from reconciler.formats.markdown import alert, code, row
from reconciler.formats.phrases import age, counted, fitting, octets
from reconciler.formats.plan_view import plan_view
from reconciler.formats.report import Cell, Column, Figure, Table
from reconciler.formats.terminal import ROWS, STYLES, Row, first_rows, line, printed, table, wrapped
from reconciler.formats.view import View
from reconciler.model.plan import RepositoryPlan, RestorePlan, RestoreSummary

MAX_BYTES = 60_000
"""Largest Markdown, in bytes of UTF-8. Source: a comment on GitHub holds 65,536 characters."""

_ALERT_BYTES = 8_000
_NOTE_BYTES = 400
"""Room for the head of the table, and for the note that counts the omitted rows."""

_HEAD = (
    f"{row('Repository', 'Tags', 'Digest', 'Time left', 'Deleted because')}\n",
    "| --- | --- | --- | ---: | --- |\n",
)

_COLUMNS = (
    Column("Repository", "code"),
    Column("Tags", "code"),
    Column("Digest", "code"),
    Column("Time left", "number"),
    Column("Deleted because"),
    Column("Related versions", "number"),
)


def totals(summary: RestoreSummary) -> str:
    """Write the counts. Programs read this text, so it must not change."""
    return f"{summary.restore} to restore, {summary.incomplete} incomplete"


def render(plan: RestorePlan, view: View) -> str:
    """Print a restore plan as text."""
    lines = list(wrapped(times(plan, view), view))
    if plan.summary.restore:
        lines.append(line("  ", ("^", STYLES["^"]), " restore"))
    for part in plan.repositories:
        lines += [line(), *_part(part, view)]
    lines.append(line())
    if plan.retag:
        lines.append(
            line(
                "Tags that the registry does not restore are attached again unless they are in use."
            )
        )
    lines += wrapped(plan_view(plan).blocked, view, style="bold red")
    lines += [line(f"Digest: {plan.digest}"), line((f"Plan: {totals(plan.summary)}.", "bold"))]
    return printed(lines, view)


def markdown(plan: RestorePlan, view: View) -> str:
    """Write a restore plan as Markdown; rows that do not fit are omitted."""
    broken = [part for part in plan.repositories if not part.complete]
    stops = [f"{code(part.repository)}: {code(part.error)}" for part in broken]
    warnings = [
        f"{code(part.repository)}: {code(text)}"
        for part in plan.repositories
        for text in part.warnings
    ]
    alerts = (
        *alert("CAUTION", fitting(stops, _ALERT_BYTES, "... and {:,} more".format)),
        *alert("WARNING", fitting(warnings, _ALERT_BYTES, "... and {:,} more".format)),
    )
    before = "\n".join([f"### Restore plan: {totals(plan.summary)}", "", *alerts, ""])
    after = f"\n{times(plan, view)}\nDigest {code(plan.digest)}\n"
    cells = (
        row(
            code(part.repository),
            code(image.name),
            code(image.root.digest.short),
            remaining_time(image, view),
            f"{code(image.reason)} {phrases.related_versions(image.followers)}".rstrip(),
        )
        for part in plan.repositories
        for image in expired(part)
    )
    rows = [f"{written}\n" for written in cells]
    room = MAX_BYTES - octets(before) - octets(after) - _NOTE_BYTES
    body = fitting(rows, room, lambda count: f"\n{counted(count, 'more image')} omitted.\n")
    return "".join([before, *(_HEAD if rows else ()), *body, after])


def times(plan: RestorePlan, view: View) -> str:
    """Say what a plan restores, when it was evaluated, and until when it may be applied."""
    return f"Restores what run {plan.undoes} deleted. {phrases.times(plan, view)}"


def _part(part: RepositoryPlan, view: View) -> Iterator[Text]:
    if not part.complete:
        yield line((f"? {part.repository}", "bold"))
        yield from wrapped(part.error, view, lead="  ", style=STYLES["?"])
        yield from wrapped(part.hint, view, lead="  ")
        return
    yield line((part.repository, "bold"), f"  ({counted(len(part.changes), 'version')} to restore)")
    for text in first_rows(part.warnings, view):
        yield from wrapped(f"Warning: {text}", view, lead="  ", style="yellow")
    if len(part.warnings) > len(first_rows(part.warnings, view)):
        yield line(f"  ... and {counted(len(part.warnings) - ROWS, 'more warning')}")
    images = list(expired(part))
    rows = [
        Row(
            "^",
            image.name,
            f"{image.root.digest.short}  {remaining_time(image, view):>8}",
            (image.reason, phrases.related_versions(image.followers)),
        )
        for image in first_rows(images, view)
    ]
    if rows:
        yield from table(rows, view, of=len(images))


def remaining_time(image: ExpiredImage, view: View) -> str:
    """Say how long an image can still be restored, where that is known."""
    until = image.root.until
    return f"{age(max(until - view.now, timedelta()))} left" if until else ""


def render_html(plan: RestorePlan, view: View) -> str:
    """Write a restore plan as one page: counts, notices, and a row for each image."""
    summary = plan.summary
    figures = [Figure(f"{summary.restore:,}", "versions to restore", "keep")]
    if summary.incomplete:
        figures.append(Figure(f"{summary.incomplete:,}", "repositories incomplete", "warn"))
    images = [(part.repository, image) for part in plan.repositories for image in expired(part)]
    most = None if view.all_rows else HTML_PLAN_ROWS
    rows = []
    for repository, image in images[:most]:
        until = image.root.until
        rows.append(
            (
                Cell(repository),
                Cell(image.name),
                Cell(image.root.digest.short),
                # Where the end is not known, the row is sorted before all others.
                Cell(remaining_time(image, view), until.timestamp() if until else -1),
                Cell(image.reason),
                count(image.followers),
            )
        )
    caption = f"{counted(len(images), 'image')} to restore"
    return page(
        "restoring.html.j2",
        title="Restore plan",
        lead=times(plan, view),
        figures=figures,
        notices=list(notices(plan_view(plan))),
        images=Table(caption, _COLUMNS, rows, more(len(images) - len(rows))),
        plan=plan,
    )
