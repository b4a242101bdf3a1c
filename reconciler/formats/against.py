"""What a change of policies does, for a terminal: what protects less first, then what goes."""

from collections.abc import Iterator

from rich.text import Text

from reconciler.formats import changes
from reconciler.formats.humanise import counted
from reconciler.formats.paper import line, wrapped
from reconciler.formats.rows import ROWS, STYLES, Row, first_rows, table
from reconciler.formats.view import View
from reconciler.model.difference import ChangedImage, Difference, RepositoryDifference, Shift


def lines(difference: Difference, view: View) -> Iterator[Text]:
    """Print a difference, with an empty line after it."""
    yield from wrapped(changes.headline(difference), view, style="bold")
    if difference.error:
        yield from wrapped(changes.failure(difference), view, lead="  ? ", style=STYLES["?"])
    yield from _weakened(difference, view)
    for part in difference.repositories:
        yield from _repository(part, view)
    yield line()


def _weakened(difference: Difference, view: View) -> Iterator[Text]:
    told = [
        f"{part.repository}: {changes.weakness(weak)}"
        for part in difference.repositories
        for weak in part.weakened
    ]
    if told:
        yield line(("  It protects less than before:", STYLES["?"]))
    for text in first_rows(told, view):
        yield from wrapped(text, view, lead="  ! ", style=STYLES["!"])
    if len(told) > len(first_rows(told, view)):
        yield line(f"  ... and {len(told) - ROWS:,} more; `--all` has them")


def _repository(part: RepositoryDifference, view: View) -> Iterator[Text]:
    if part.error:
        yield line((f"? {part.repository}", STYLES["?"]))
        yield from wrapped(changes.uncompared(part), view, lead="  ")
    elif part.added or part.spared:
        yield line((part.repository, "bold"))
        for shift in part.added:
            yield from _shift(shift, part, view, symbol="-")
        for shift in part.spared:
            yield from _shift(shift, part, view, symbol="^")


def _shift(shift: Shift, part: RepositoryDifference, view: View, *, symbol: str) -> Iterator[Text]:
    amount = changes.amount(shift, more=symbol == "-")
    yield from wrapped(f"{amount} {changes.reason(shift, part)}", view, lead="  ")
    if shift.images:
        rows = [_row(symbol, fate) for fate in first_rows(shift.images, view)]
        yield from table(rows, view, of=len(rows))
    if len(shift.images) > len(first_rows(shift.images, view)):
        hidden = counted(len(shift.images) - ROWS, "more image")
        yield line(f"    ... and {hidden}; `--all` has them")


def _row(symbol: str, fate: ChangedImage) -> Row:
    before, after = changes.verdicts(fate.before), changes.verdicts(fate.after)
    name = ", ".join(fate.tags) or "(untagged)"
    return Row(symbol, name, fate.digest.short, (f"before: {before};", f"now: {after}"))
