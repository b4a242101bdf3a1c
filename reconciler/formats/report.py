"""A report as a value: sections, tables, charts and notices, independent of how it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "goes", "stays", "warns"]
"""What a colour means. It never stands alone: the words beside it say the same."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. Shape: `kind` says how its cells look, and that numbers sort so."""

    title: str
    kind: Literal["text", "number", "code"] = "text"


@dataclass(frozen=True, slots=True)
class Cell:
    """What a row says in one column, and what it is sorted by where that is not the text."""

    text: str
    order: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be searched and sorted. Shape: a row has one cell for each column."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    more: str = ""
    """A sentence about the rows that are left out, empty where none is."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount of a chart; `text` is how people write it, where the bare number is not it."""

    label: str
    amount: float
    text: str = ""
    tone: Tone = ""

    @property
    def figure(self) -> str:
        """The amount as the chart prints it."""
        return self.text or f"{self.amount:,.0f}"


@dataclass(frozen=True, slots=True)
class Chart:
    """Amounts to compare: as lying bars, as columns, or as a line where they follow in time."""

    caption: str
    bars: Sequence[Bar]

    @property
    def top(self) -> float:
        """The largest amount, never zero, so that everything can be measured by it."""
        return max((bar.amount for bar in self.bars), default=0) or 1

    @property
    def description(self) -> str:
        """The whole chart in words, for whoever does not see it."""
        return "; ".join(f"{bar.label}: {bar.figure}" for bar in self.bars)

    def length(self, bar: Bar, of: float) -> float:
        """Measure an amount on a scale whose end, at `of`, is the largest."""
        return round(of * bar.amount / self.top, 2)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that sums up a report, with what it counts."""

    amount: str
    label: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader must know first: a heading, and a sentence for each cause."""

    heading: str
    texts: Sequence[str]
    tone: Tone = "warns"


@dataclass(frozen=True, slots=True)
class ReportSection:
    """Part of a report with a heading of its own, such as one repository."""

    heading: str
    texts: Sequence[str] = ()
    notices: Sequence[Notice] = ()
    charts: Sequence[Chart] = ()
    courses: Sequence[Chart] = ()
    """Amounts that follow one another in time; a page alone draws them."""

    tables: Sequence[Table] = ()
    listing: str = ""
    """Lines to copy as they stand, such as a policy file; nothing in them is from outside."""

    patch: str = ""
    """A change of a file of the user's, as `git apply` takes it."""


@dataclass(frozen=True, slots=True)
class Report:
    """A title, what matters most, and a section for each subject.

    Shape: `last` is the one sentence that machines and hurried people read.
    """

    title: str
    last: str
    figures: Sequence[Figure] = ()
    sections: Sequence[ReportSection] = ()
