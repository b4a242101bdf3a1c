"""The plan as an HTML page: notices, deleted images as tables, and the policy comparison."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from reconciler.formats import compare, phrases
from reconciler.formats.html_page import ages, deleted_chart, kept_chart, page
from reconciler.formats.images import ExpiredImage, expired, newest_first
from reconciler.formats.phrases import age, counted, size
from reconciler.formats.report import Cell, Column, Figure, Notice, Table
from reconciler.formats.view import View
from reconciler.model.comparison import Difference
from reconciler.model.names import Digest, Repository
from reconciler.model.plan import DeletionPlan, Plan, RepositoryPlan

Lost = Mapping[Repository, Sequence[ExpiredImage]]
"""The images to delete of each repository."""

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
    lost = {part.repository: list(expired(part)) for part in plan.repositories}
    images = list(chain.from_iterable(lost.values()))
    return page(
        "plan.html.j2",
        title="Retention plan",
        lead=list(phrases.times_and_cost(plan, view)),
        figures=list(_figures(plan)),
        notices=[*([notice(view.against)] if view.against else []), *notices(plan)],
        changed_images=changed_images(view.against, all_rows=view.all_rows)
        if view.against
        else None,
        charts=[chart for chart in (deleted_chart(images), kept_chart(plan)) if chart.bars],
        ages=ages(images, plan.evaluated_at),
        overview=overview(plan, lost),
        sections=list(sections(plan, lost, view)),
        plan=plan,
    )


def _figures(plan: DeletionPlan) -> Iterator[Figure]:
    summary = plan.summary
    yield Figure(f"{summary.delete:,}", "versions to delete", "delete")
    yield Figure(f"{summary.keep:,}", "versions to keep", "keep")
    yield Figure(f"{summary.protected:,}", "images protected", "keep")
    yield Figure(f"{len(plan.repositories):,}", "repositories")
    if summary.incomplete:
        yield Figure(f"{summary.incomplete:,}", "repositories incomplete", "warn")
    if summary.bytes:
        yield Figure(size(summary.bytes), "of content freed at most")


@dataclass(frozen=True, slots=True)
class PageSection:
    """The section of one repository."""

    heading: str
    texts: Sequence[str]
    tables: Sequence[Table]


def overview(plan: DeletionPlan, lost: Lost) -> Table:
    """List the repositories with their counts, most deletions first."""
    parts = sorted(plan.repositories, key=lambda part: (-len(part.changes), part.repository))
    rows = [_summed(part, lost[part.repository], plan) for part in parts]
    return Table(f"{counted(len(rows), 'repository', 'repositories')}", _REPOSITORIES, rows)


def sections(plan: DeletionPlan, lost: Lost, view: View) -> Iterator[PageSection]:
    """Describe each repository that has images to delete, protected or retained."""
    parts = [part for part in plan.repositories if part.changes or part.protected or part.retained]
    # The rows are bounded so that a browser opens the page quickly.
    most = None if view.all_rows else max(ROWS // max(len(parts), 1), _LEAST_ROWS)
    for part in parts:
        tables = [_deleted_table(lost[part.repository], plan, most), _kept_table(part, most)]
        texts = list(_texts(part, view))
        yield PageSection(part.repository, texts, [table for table in tables if table.rows])


def count(number: int) -> Cell:
    """Show a number."""
    return Cell(f"{number:,}", number)


def _summed(
    part: RepositoryPlan, lost: Sequence[ExpiredImage], plan: DeletionPlan
) -> Sequence[Cell]:
    ages = [known for image in lost if (known := image.age(plan.evaluated_at)) is not None]
    return (
        Cell(part.repository),
        Cell(part.policy),
        count(len(part.changes)),
        count(part.versions - len(part.changes)),
        count(len(part.protected)),
        Cell(age(min(ages)), min(ages).total_seconds()) if ages else Cell("", -1),
        _weight(sum(change.observed.size for change in part.changes)),
        Cell("incomplete" if not part.complete else "stopped" if part.stopped else "ready"),
    )


def _weight(octets: int) -> Cell:
    return Cell(size(octets) if octets else "", octets)


def _deleted_table(lost: Sequence[ExpiredImage], plan: DeletionPlan, most: int | None) -> Table:
    """List the images to delete, the newest first: these are closest to being kept."""
    images = newest_first(lost)
    rows = []
    for image in images[:most]:
        known = image.age(plan.evaluated_at)
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


def _kept_table(part: RepositoryPlan, most: int | None) -> Table:
    """List the images that are kept although a rule expires them."""
    images = [*part.protected, *part.retained]
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


def _texts(part: RepositoryPlan, view: View) -> Iterator[str]:
    size_text = phrases.size_text(part)
    yield f"{size_text[:1].upper()}{size_text[1:]}."
    if part.waiting:
        yield phrases.waiting(part.waiting, part.min_age, view)
    if part.kept:
        yield phrases.kept_counts(part.kept)
    if part.unmatched:
        yield f"Tags that no rule matches: {', '.join(map(phrases.family, part.unmatched))}."


def notices(plan: Plan) -> Iterator[Notice]:
    """Yield what blocks a plan, then its warnings."""
    stops = [f"{unlisted.pattern} {phrases.unlisted(unlisted)}" for unlisted in plan.unlisted]
    stops += [f"{part.repository} {text}" for part in plan.repositories for text in _stops(part)]
    if stops:
        yield Notice(phrases.blocked(plan), bounded(stops), "delete")
    warnings = [
        f"{part.repository}: {text}"
        for part in plan.repositories
        for text in phrases.warnings(part)
    ]
    if warnings:
        yield Notice("Warnings", bounded(warnings))


def bounded(texts: list[str]) -> list[str]:
    """Keep the first sentences, and count the others."""
    more = len(texts) - TEXTS
    return [*texts[:TEXTS], f"... and {more:,} more"] if more > 0 else texts


def _stops(part: RepositoryPlan) -> Iterator[str]:
    if not part.complete:
        yield ". ".join(filter(None, [f"is incomplete: {part.error}", part.hint]))
    for guard in part.guards:
        if not guard.ok:
            yield (
                f"is stopped by {guard.name}: {phrases.guard_violation(guard)}."
                f" To override once, plan with {guard.override}"
            )


def notice(difference: Difference) -> Notice:
    """Sum up the comparison: first what protects less, then which images change."""
    weakened = [
        f"Weakened protection: {part.repository}: {compare.weakness(weak)}"
        for part in difference.repositories
        for weak in part.weakened
    ]
    failures = [compare.failure(difference)] if difference.error else []
    texts = [*failures, *weakened, *_shifts(difference)]
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


def _shifts(difference: Difference) -> Iterator[str]:
    for part in difference.repositories:
        if part.error:
            yield f"{part.repository}: {compare.uncompared(part)}"
        for shifts, added in ((part.added, True), (part.spared, False)):
            for shift in shifts:
                amount = compare.shift_amount(shift, more=added)
                yield f"{part.repository}: {amount} {compare.reason(shift, part)}"
