"""The repositories of a plan, and the images each one loses, as tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.formats import sentences
from reconciler.formats.html.parts import Cell, Column, Table
from reconciler.formats.humanise import age, counted, size
from reconciler.formats.images import Expired, newest_first
from reconciler.formats.view import View
from reconciler.model.names import Digest, Repository
from reconciler.model.plan import Kept, Plan, RepositoryPlan

Lost = Mapping[Repository, Sequence[Expired]]
"""The images that each repository loses."""

ROWS = 5_000
"""Rows of images on one page, shared by its repositories, unless all are asked for."""

_LEAST_ROWS = 20
"""Rows that a repository has at least, however many repositories there are."""

_IMAGES = (
    Column("Tags", "code"),
    Column("Digest", "code"),
    Column("Age", "number"),
    Column("Size", "number"),
    Column("Rules"),
    Column("Reason"),
    Column("Goes with it", "number"),
)
_KEPT = (Column("Tags", "code"), Column("Digest", "code"), Column("Cause"), Column("Reason"))
_REPOSITORIES = (
    Column("Repository", "code"),
    Column("Policy"),
    Column("Delete", "number"),
    Column("Keep", "number"),
    Column("Protected", "number"),
    Column("Newest to go", "number"),
    Column("Size", "number"),
    Column("State"),
)


@dataclass(frozen=True, slots=True)
class PageSection:
    """What a page says of one repository."""

    heading: str
    texts: Sequence[str]
    tables: Sequence[Table]


def overview(plan: Plan, lost: Lost) -> Table:
    """Sum up each repository, those that lose most first."""
    parts = sorted(plan.repositories, key=lambda part: (-len(part.changes), part.repository))
    rows = [_summed(part, lost[part.repository], plan) for part in parts]
    return Table(f"{counted(len(rows), 'repository', 'repositories')}", _REPOSITORIES, rows)


def sections(plan: Plan, lost: Lost, view: View) -> Iterator[PageSection]:
    """Describe each repository that loses an image, or has one worth naming."""
    parts = [part for part in plan.repositories if part.changes or part.protected or part.retained]
    most = None if view.all_rows else max(ROWS // max(len(parts), 1), _LEAST_ROWS)
    for part in parts:
        tables = [_going(lost[part.repository], plan, most), _staying(part, most)]
        texts = list(_texts(part, view))
        yield PageSection(part.repository, texts, [table for table in tables if table.rows])


def count(number: int) -> Cell:
    """Show a number."""
    return Cell(f"{number:,}", number)


def _summed(part: RepositoryPlan, lost: Sequence[Expired], plan: Plan) -> Sequence[Cell]:
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


def _going(lost: Sequence[Expired], plan: Plan, most: int | None) -> Table:
    """List the images that go, the newest first: they went narrowly."""
    images = newest_first(lost)
    rows = [_expired(image, plan) for image in images[:most]]
    caption = f"{counted(len(images), 'image')} to delete, the newest first"
    return Table(caption, _IMAGES, rows, more(len(images) - len(rows)))


def _staying(part: RepositoryPlan, most: int | None) -> Table:
    """List the images that stay although a rule would let them go."""
    images = [*part.protected, *part.retained]
    rows = [_kept(image) for image in images[:most]]
    caption = f"{counted(len(images), 'image')} protected or retained"
    return Table(caption, _KEPT, rows, more(len(images) - len(rows)))


def more(hidden: int) -> str:
    """Say how many images have no row, and where they are; nothing, where all have one."""
    if not hidden:
        return ""
    return f"{counted(hidden, 'more image')} left out; `--all` and `--format json` have them all."


def _expired(image: Expired, plan: Plan) -> Sequence[Cell]:
    known = image.age(plan.evaluated_at)
    return (
        Cell(image.name),
        Cell(image.root.digest.short),
        Cell(age(known), known.total_seconds()) if known is not None else Cell("?", -1),
        _weight(image.size),
        Cell(image.rules),
        Cell(image.reason),
        count(image.followers),
    )


def _kept(image: Kept) -> Sequence[Cell]:
    return (
        Cell(", ".join(image.tags) or "(untagged)"),
        Cell(Digest(image.key.rpartition("@")[2]).short),
        Cell(image.cause),
        Cell("; ".join(image.reasons)),
    )


def _texts(part: RepositoryPlan, view: View) -> Iterator[str]:
    words = sentences.scale(part)
    yield f"{words[:1].upper()}{words[1:]}."
    if part.waiting:
        yield sentences.waiting(part.waiting, part.min_age, view)
    if part.kept:
        yield sentences.keepers(part.kept)
    if part.unmatched:
        yield f"Tags that no rule knows: {', '.join(map(sentences.family, part.unmatched))}."
