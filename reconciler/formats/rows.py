"""Rows of images for a terminal: names, facts in columns, and the reason where there is room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from rich.text import Text

from reconciler.formats.humanise import age, size
from reconciler.formats.images import Expired
from reconciler.formats.paper import folded, line, wrapped
from reconciler.formats.sentences import following
from reconciler.formats.view import View
from reconciler.model.plan import Kept

Subject = TypeVar("Subject")

ROWS = 10
"""Rows of one group that are shown unless all are asked for."""

STYLES = {"-": "red", "^": "green", "!": "yellow", "?": "bold red", ".": "cyan"}
"""The symbols at the beginning of lines, and how they are printed."""

_GAP = 2
_INDENT = 4
_DEEPER = " " * 6
_SHORT_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One image as a line shows it. Shape: all `facts` of a group are of equal length."""

    symbol: str
    name: str
    facts: str
    notes: tuple[str, ...]


def expired_row(image: Expired, evaluated: datetime) -> Row:
    """Show an image that goes: its digest, age and size, and what follows it."""
    known = image.age(evaluated)
    old = age(known) if known is not None else "?"
    weight = size(image.size) if image.size else "?"
    notes = (image.reason, following(image.followers))
    return Row("-", image.name, f"{image.root.digest.short}  {old:>4}  {weight:>8}", notes)


def kept_row(symbol: str, kept: Kept) -> Row:
    """Show an image that stays although something speaks against it."""
    digest = kept.key.rpartition(":")[2][:_SHORT_DIGEST]
    return Row(symbol, ", ".join(kept.tags) or "(untagged)", digest, kept.reasons)


def first_rows(subjects: Sequence[Subject], view: View) -> Sequence[Subject]:
    """Pick what is worth a row: the first few, unless all are asked for."""
    return subjects if view.all_rows else subjects[:ROWS]


def table(rows: Sequence[Row], view: View, *, of: int) -> Iterator[Text]:
    """Print rows in columns, and say how many of all there are not among them."""
    name_width = _name_width(rows, view)
    room = view.width - _INDENT - name_width - _GAP - len(rows[0].facts) - _GAP
    beside = all(len(_joined(row.notes)) <= room for row in rows)
    for row in rows:
        yield from _lines(row, view, name_width=name_width, beside=beside)
    if of > len(rows):
        hidden = f"{of - len(rows):,} more"
        yield line(f"    ... and {hidden}; `--format json` or `reconciler show --all` has them all")


def _name_width(rows: Sequence[Row], view: View) -> int:
    room = view.width - _INDENT - _GAP - len(rows[0].facts)
    return min(max(len(row.name) for row in rows), max(room, _SHORT_DIGEST))


def _lines(row: Row, view: View, *, name_width: int, beside: bool) -> Iterator[Text]:
    """Print one row: the notes beside the facts, or else below and further in."""
    first, *more = folded(row.name, name_width)
    beyond = f"  {_joined(row.notes)}" if beside else ""
    symbol = (row.symbol, STYLES[row.symbol])
    yield line("  ", symbol, f" {first:<{name_width}}  {row.facts}{beyond}")
    for name in more:
        yield line(f"    {name}")
    if not beside:
        yield from _below(row.notes, view)


def _below(notes: Sequence[str], view: View) -> Iterator[Text]:
    """Print notes on one line where they fit, else each on lines of its own."""
    joined = _joined(notes)
    fits = len(_DEEPER) + len(joined) <= view.width
    for note in [joined] if fits else notes:
        yield from wrapped(note, view, lead=_DEEPER)


def _joined(notes: Sequence[str]) -> str:
    return "  ".join(filter(None, notes))
