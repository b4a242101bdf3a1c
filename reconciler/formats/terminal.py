"""Lines and rows for a terminal. All text is escaped here before rich prints it."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from typing import TypeVar

from rich.console import Console
from rich.text import Text

from reconciler.formats.images import ExpiredImage
from reconciler.formats.phrases import age, related_versions, size
from reconciler.formats.view import View
from reconciler.model.base import inert, safe
from reconciler.model.plan_rows import Kept

Part = str | tuple[str, str]
"""A piece of a line, alone or with the style it is printed in."""

_NARROWEST = 40
"""The width, in columns, below which the terminal breaks the lines."""

Subject = TypeVar("Subject")

ROWS = 10
"""Rows of one group that are printed without `--all`."""

STYLES = {"-": "red", "^": "green", "!": "yellow", "?": "bold red", ".": "cyan"}
"""The symbols at the beginning of lines, and their styles."""

_GAP = 2
_INDENT = 4
_DEEPER = " " * 6
# As docker prints the ids of images.
_SHORT_DIGEST = 12


def line(*parts: Part) -> Text:
    """Join parts to a line; control characters, line breaks and markup in it are escaped."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    text = Text.assemble(*((safe(text_part), style) for text_part, style in pairs))
    text.rstrip()
    return text


def wrapped(text: str, view: View, *, lead: str = "", style: str = "") -> Iterator[Text]:
    """Break a text into lines: `lead` begins the first one, and the others are indented as far.

    A digest or an address longer than a line is not broken, so that it can be copied.
    """
    width = max(view.width - len(lead), _NARROWEST)
    for row in textwrap.wrap(safe(text), width, break_on_hyphens=False, break_long_words=False):
        yield line((lead + row, style))
        lead = " " * len(lead)


def folded(text: str, width: int) -> list[str]:
    """Break a text at spaces, or inside a word that is longer than a line."""
    if len(text) <= width and text.isprintable():
        return [text] if text else []
    return textwrap.wrap(safe(text), width, break_on_hyphens=False)


def printed(lines: Iterable[Text], view: View) -> str:
    """Print lines to a string, with colours where requested and no other escape sequences."""
    # Every option is given, because rich reads the omitted ones from the environment.
    console = Console(
        file=StringIO(),
        width=view.width,
        height=100,
        color_system="standard" if view.colour else None,
        force_terminal=view.colour,
        no_color=not view.colour,
        legacy_windows=False,
        force_jupyter=False,
        force_interactive=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    with console.capture() as capture:
        for text in lines:
            # Lines are wrapped already; a longer one must not be broken, so that it can be copied.
            console.print(text, soft_wrap=True)
    # Wrapping may put text from outside at the start of a line, where a workflow runner would read
    # it as a command. With colours the output is a terminal, and their escapes must not be changed.
    return capture.get() if view.colour else inert(capture.get())


@dataclass(frozen=True, slots=True)
class Row:
    """One image as one line. Shape: all `facts` of a group are of equal length."""

    symbol: str
    name: str
    facts: str
    notes: tuple[str, ...]


def expired_row(image: ExpiredImage, evaluated: datetime) -> Row:
    """Describe an image to delete: digest, age, size, reason, and number of related versions."""
    known = image.age(evaluated)
    old = age(known) if known is not None else "?"
    weight = size(image.size) if image.size else "?"
    notes = (image.reason, related_versions(image.followers))
    return Row("-", image.name, f"{image.root.digest.short}  {old:>4}  {weight:>8}", notes)


def kept_row(symbol: str, kept: Kept) -> Row:
    """Describe an image that is kept although a rule expires it."""
    digest = kept.key.rpartition(":")[2][:_SHORT_DIGEST]
    return Row(symbol, ", ".join(kept.tags) or "(untagged)", digest, kept.reasons)


def first_rows(subjects: Sequence[Subject], view: View) -> Sequence[Subject]:
    """Return the first few, or all with `--all`."""
    return subjects if view.all_rows else subjects[:ROWS]


def table(rows: Sequence[Row], view: View, *, of: int) -> Iterator[Text]:
    """Print rows in columns, and how many of all `of` rows are not among them."""
    room = view.width - _INDENT - _GAP - len(rows[0].facts)
    name_width = min(max(len(row.name) for row in rows), max(room, _SHORT_DIGEST))
    room -= name_width + _GAP
    # One decision for all rows, so that the notes of a group form a column or none do.
    beside = all(len(_joined(row.notes)) <= room for row in rows)
    for row in rows:
        first, *more = folded(row.name, name_width)
        notes = _joined(row.notes)
        beyond = f"  {notes}" if beside else ""
        symbol = (row.symbol, STYLES[row.symbol])
        yield line("  ", symbol, f" {first:<{name_width}}  {row.facts}{beyond}")
        for name in more:
            yield line(f"    {name}")
        if not beside:
            # On one line where they fit, else each on its own lines.
            fits = len(_DEEPER) + len(notes) <= view.width
            for note in [notes] if fits else row.notes:
                yield from wrapped(note, view, lead=_DEEPER)
    if of > len(rows):
        hidden = f"{of - len(rows):,} more"
        yield line(f"    ... and {hidden}; `--format json` or `reconciler plan --all` has them all")


def _joined(notes: Sequence[str]) -> str:
    return "  ".join(filter(None, notes))
