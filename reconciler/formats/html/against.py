"""What a change of the policies does, on the page of the plan it stands beside."""

from collections.abc import Iterator, Sequence

from reconciler.formats import changes
from reconciler.formats.html.images import ROWS, more
from reconciler.formats.html.notices import bounded
from reconciler.formats.html.parts import Cell, Column, Notice, Table
from reconciler.formats.humanise import counted
from reconciler.model.difference import ChangedImage, Difference, RepositoryDifference

_COLUMNS = (
    Column("Repository", "code"),
    Column("Tags", "code"),
    Column("Digest", "code"),
    Column("Now it"),
    Column("Before"),
    Column("After"),
)


def notice(difference: Difference) -> Notice:
    """Say what the change does on the whole: first what protects less, then what changes sides."""
    weakened = any(part.weakened for part in difference.repositories)
    texts = [*_weakened(difference), *_shifts(difference)]
    return Notice(changes.headline(difference), bounded(texts), "goes" if weakened else "")


def fates(difference: Difference, *, all_rows: bool) -> Table:
    """List the images whose fate changes."""
    rows = [
        _row(part, fate, verb)
        for part in difference.repositories
        for shifts, verb in ((part.added, "goes"), (part.spared, "stays"))
        for shift in shifts
        for fate in shift.images
    ]
    kept = rows if all_rows else rows[:ROWS]
    caption = f"{counted(len(rows), 'image changes', 'images change')} sides"
    return Table(caption, _COLUMNS, kept, more(len(rows) - len(kept)))


def _weakened(difference: Difference) -> Iterator[str]:
    if difference.error:
        yield changes.failure(difference)
    for part in difference.repositories:
        for weak in part.weakened:
            yield f"It protects less than before: {part.repository}: {changes.weakness(weak)}"


def _shifts(difference: Difference) -> Iterator[str]:
    for part in difference.repositories:
        if part.error:
            yield f"{part.repository}: {changes.uncompared(part)}"
        for shifts, added in ((part.added, True), (part.spared, False)):
            for shift in shifts:
                amount = changes.amount(shift, more=added)
                yield f"{part.repository}: {amount} {changes.reason(shift, part)}"


def _row(part: RepositoryDifference, fate: ChangedImage, verb: str) -> Sequence[Cell]:
    return (
        Cell(part.repository),
        Cell(", ".join(fate.tags) or "(untagged)"),
        Cell(fate.digest.short),
        Cell(verb),
        Cell(changes.verdicts(fate.before)),
        Cell(changes.verdicts(fate.after)),
    )
