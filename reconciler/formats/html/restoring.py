"""A plan that restores as a page: what comes back, how long it still can, and what cannot."""

from collections.abc import Iterator, Sequence

from reconciler.formats.html.images import ROWS, count, more
from reconciler.formats.html.notices import notices
from reconciler.formats.html.page import page
from reconciler.formats.html.parts import Cell, Column, Figure, Table
from reconciler.formats.humanise import counted
from reconciler.formats.images import Expired, expired
from reconciler.formats.restoring import remaining_time, times
from reconciler.formats.view import View
from reconciler.model.names import Repository
from reconciler.model.plan import Plan

_COLUMNS = (
    Column("Repository", "code"),
    Column("Tags", "code"),
    Column("Digest", "code"),
    Column("Left", "number"),
    Column("Deleted because"),
    Column("Comes with it", "number"),
)


def render(plan: Plan, view: View) -> str:
    """Write a restore plan as one page: its counts, what hinders it, a row for each image."""
    return page(
        "restoring.html.j2",
        title="Restore plan",
        lead=times(plan, view),
        figures=list(_figures(plan)),
        notices=list(notices(plan)),
        images=_images(plan, view),
        plan=plan,
    )


def _figures(plan: Plan) -> Iterator[Figure]:
    yield Figure(f"{plan.summary.restore:,}", "versions to restore", "stays")
    if plan.summary.incomplete:
        yield Figure(f"{plan.summary.incomplete:,}", "repositories incomplete", "warns")


def _images(plan: Plan, view: View) -> Table:
    images = [(part.repository, image) for part in plan.repositories for image in expired(part)]
    most = None if view.all_rows else ROWS
    rows = [_row(repository, image, view) for repository, image in images[:most]]
    caption = f"{counted(len(images), 'image')} to restore"
    return Table(caption, _COLUMNS, rows, more(len(images) - len(rows)))


def _row(repository: Repository, image: Expired, view: View) -> Sequence[Cell]:
    until = image.root.until
    return (
        Cell(repository),
        Cell(image.name),
        Cell(image.root.digest.short),
        Cell(remaining_time(image, view), until.timestamp() if until else -1),
        Cell(image.reason),
        count(image.followers),
    )
