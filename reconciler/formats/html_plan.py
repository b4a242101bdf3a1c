"""The plan as an HTML page: notices, deleted images as tables, and the policy comparison."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.formats import compare, phrases
from reconciler.formats.html_page import ages, before_after, deleted_chart, kept_chart, page
from reconciler.formats.images import newest_first
from reconciler.formats.phrases import age, counted, size
from reconciler.formats.plan_view import PlanView, RepositoryView, plan_view
from reconciler.formats.report import Cell, Column, Figure, Notice, Table
from reconciler.formats.view import View
from reconciler.model.comparison import Difference
from reconciler.model.names import Digest
from reconciler.model.plan import DeletionPlan

ROWS = 5_000
"""Rows of images on one page without `--all`, divided among its repositories."""

_LEAST_ROWS = 20
"""Least rows of each repository, however many repositories there are."""

_IMAGES = (
    Column("Tags", "code"),
    Column("Digest", "code"),
    Column("Age", "number"),
    Column("Size", "number"),
    Column("Rules"),
    Column("Reason"),
    Column("Related versions", "number"),
)
_KEPT = (Column("Tags", "code"), Column("Digest", "code"), Column("Cause"), Column("Reason"))
_REPOSITORIES = (
    Column("Repository", "code"),
    Column("Policy"),
    Column("Delete", "number"),
    Column("Keep", "number"),
    Column("Protected", "number"),
    Column("Newest to delete", "number"),
    Column("Size", "number"),
    Column("State"),
)

TEXTS = 200
"""Most sentences of one notice."""

_COLUMNS = (
    Column("Repository", "code"),
    Column("Tags", "code"),
    Column("Digest", "code"),
    Column("Now"),
    Column("Before"),
    Column("After"),
)


def render(plan: DeletionPlan, view: View) -> str:
    """Write a plan as one page: counts, notices, charts, and a row for each image."""
    prepared = plan_view(plan)
    images = [image for repository in prepared.repositories for image in repository.images]
    against = view.against
    summary = plan.summary
    figures = [
        Figure(f"{summary.delete:,}", "versions to delete", "delete"),
        Figure(f"{summary.keep:,}", "versions to keep", "keep"),
        Figure(f"{summary.protected:,}", "images protected", "keep"),
        Figure(f"{len(plan.repositories):,}", "repositories"),
    ]
    if summary.incomplete:
        figures.append(Figure(f"{summary.incomplete:,}", "repositories incomplete", "warn"))
    if summary.bytes:
        figures.append(Figure(size(summary.bytes), "of content freed at most"))
    return page(
        "plan.html.j2",
        title="Retention plan",
        pages=view.pages,
        lead=list(phrases.times_and_cost(plan, view)),
        figures=figures,
        notices=[*([notice(against)] if against else []), *notices(prepared)],
        changed_images=changed_images(against, all_rows=view.all_rows) if against else None,
        charts=[
            chart
            for chart in (before_after(plan), deleted_chart(images), kept_chart(plan))
            if chart.bars
        ],
        ages=ages(images, plan.evaluated_at),
        overview=overview(prepared),
        sections=list(sections(prepared, view)),
        plan=plan,
    )


@dataclass(frozen=True, slots=True)
class PageSection:
    """The section of one repository."""

    heading: str
    texts: Sequence[str]
    tables: Sequence[Table]


def overview(prepared: PlanView) -> Table:
    """List the repositories with their counts, most deletions first."""
    rows = []
    for repository in prepared.most_deletions_first:
        part, newest = repository.part, repository.newest
        rows.append(
            (
                Cell(part.repository),
                Cell(part.policy),
                count(repository.deleted),
                count(repository.kept),
                count(len(part.protected)),
                Cell("", -1) if newest is None else Cell(age(newest), newest.total_seconds()),
                _weight(repository.size),
                Cell("incomplete" if not part.complete else "stopped" if part.stopped else "ready"),
            )
        )
    return Table(f"{counted(len(rows), 'repository', 'repositories')}", _REPOSITORIES, rows)


def sections(prepared: PlanView, view: View) -> Iterator[PageSection]:
    """Describe each repository that has images to delete, protected or retained."""
    repositories = [
        repository
        for repository in prepared.repositories
        if repository.part.changes or repository.part.protected or repository.part.retained
    ]
    # The rows are bounded so that a browser opens the page quickly.
    most = None if view.all_rows else max(ROWS // max(len(repositories), 1), _LEAST_ROWS)
    for repository in repositories:
        part = repository.part
        size_text = phrases.size_text(part)
        texts = [f"{size_text[:1].upper()}{size_text[1:]}."]
        if part.waiting:
            texts.append(phrases.waiting(part.waiting, part.min_age, view))
        if part.kept:
            texts.append(phrases.kept_counts(part.kept, len(part.protected)))
        if part.unmatched:
            families = ", ".join(map(phrases.family, part.unmatched))
            texts.append(f"Tags that no rule matches: {families}.")
        tables = (_deleted_table(repository, prepared, most), _kept_table(repository, most))
        yield PageSection(part.repository, texts, [table for table in tables if table.rows])


def count(number: int) -> Cell:
    """Show a number."""
    return Cell(f"{number:,}", number)


def _weight(octets: int) -> Cell:
    return Cell(size(octets) if octets else "", octets)


def _deleted_table(repository: RepositoryView, prepared: PlanView, most: int | None) -> Table:
    """List the images to delete, the newest first: these are closest to being kept."""
    images = newest_first(repository.images)
    rows = []
    for image in images[:most]:
        known = image.age(prepared.plan.evaluated_at)
        rows.append(
            (
                Cell(image.name),
                Cell(image.root.digest.short),
                # An unknown age is sorted before all others.
                Cell(age(known), known.total_seconds()) if known is not None else Cell("?", -1),
                _weight(image.size),
                Cell(image.rules),
                Cell(image.reason),
                count(image.followers),
            )
        )
    caption = f"{counted(len(images), 'image')} to delete, the newest first"
    return Table(caption, _IMAGES, rows, more(len(images) - len(rows)))


def _kept_table(repository: RepositoryView, most: int | None) -> Table:
    """List the images that are kept although a rule expires them."""
    images = [*repository.part.protected, *repository.part.retained]
    rows = [
        (
            Cell(", ".join(image.tags) or "(untagged)"),
            Cell(Digest(image.key.rpartition("@")[2]).short),
            Cell(image.cause),
            Cell("; ".join(image.reasons)),
        )
        for image in images[:most]
    ]
    caption = f"{counted(len(images), 'image')} protected or retained"
    return Table(caption, _KEPT, rows, more(len(images) - len(rows)))


def more(hidden: int) -> str:
    """Say how many images have no row, and where to find them; empty where all have one."""
    if not hidden:
        return ""
    return f"{counted(hidden, 'more image')} omitted; `--all` and `--format json` have them all."


def notices(prepared: PlanView) -> Iterator[Notice]:
    """Yield what blocks a plan, then its warnings."""
    unlisted = prepared.plan.unlisted
    stops = [f"{pattern.pattern} {phrases.unlisted(pattern)}" for pattern in unlisted]
    for repository in prepared.repositories:
        part = repository.part
        if not part.complete:
            error = ". ".join(filter(None, [f"is incomplete: {part.error}", part.hint]))
            stops.append(f"{part.repository} {error}")
        stops += [f"{part.repository} {stop.sentence()}" for stop in repository.stops]
    if stops:
        yield Notice(prepared.blocked, bounded(stops), "delete")
    warnings = [f"{name}: {text}" for name, text in prepared.warnings]
    if warnings:
        yield Notice("Warnings", bounded(warnings))


def bounded(texts: list[str]) -> list[str]:
    """Keep the first sentences, and count the others."""
    more = len(texts) - TEXTS
    return [*texts[:TEXTS], f"... and {more:,} more"] if more > 0 else texts


def notice(difference: Difference) -> Notice:
    """Sum up the comparison: first what protects less, then which images change."""
    weakened = [
        f"Weakened protection: {part.repository}: {compare.weakness(weak)}"
        for part in difference.repositories
        for weak in part.weakened
    ]
    texts = [*([compare.failure(difference)] if difference.error else []), *weakened]
    for part in difference.repositories:
        if part.error:
            texts.append(f"{part.repository}: {compare.uncompared(part)}")
        for shifts, more in ((part.added, True), (part.spared, False)):
            for shift in shifts:
                amount = compare.shift_amount(shift, more=more)
                texts.append(f"{part.repository}: {amount} {compare.reason(shift, part)}")
    return Notice(compare.headline(difference), bounded(texts), "delete" if weakened else "")


def changed_images(difference: Difference, *, all_rows: bool) -> Table:
    """List the images whose decision changes."""
    # Within a repository, added deletions come first: rows are omitted from the end.
    rows = [
        (
            Cell(part.repository),
            Cell(", ".join(fate.tags) or "(untagged)"),
            Cell(fate.digest.short),
            Cell(verb),
            Cell(compare.verdicts(fate.before)),
            Cell(compare.verdicts(fate.after)),
        )
        for part in difference.repositories
        for shifts, verb in ((part.added, "deleted"), (part.spared, "kept"))
        for shift in shifts
        for fate in shift.images
    ]
    kept = rows if all_rows else rows[:ROWS]
    caption = counted(len(rows), "image with another decision", "images with another decision")
    return Table(caption, _COLUMNS, kept, more(len(rows) - len(kept)))
