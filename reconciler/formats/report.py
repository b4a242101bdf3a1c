"""A report as a value: sections, tables, charts and notices, independent of how it is printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

Tone = Literal["", "delete", "keep", "warn"]
"""The meaning of a colour, which the text beside it states as well."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. Shape: `kind` is how its cells look and sort."""

    title: str
    kind: Literal["text", "number", "code"] = "text"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, and the number that it sorts by where that is not the text.

    Shape: `page` is the relative address of a page about it, where the program writes one.
    """

    text: str
    order: float | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be searched and sorted. Shape: a row has one cell for each column."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    more: str = ""
    """A sentence about the omitted rows, empty where there are none."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One amount of a chart; `text` is how it is printed, where not as a plain number."""

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
    """Amounts to compare, as horizontal bars."""

    caption: str
    bars: Sequence[Bar]

    @property
    def top(self) -> float:
        """The largest amount, never zero, so that it can be divided by."""
        return max((bar.amount for bar in self.bars), default=0) or 1

    def length(self, bar: Bar, of: float) -> float:
        """Scale an amount so that the largest one is `of` long."""
        return round(of * bar.amount / self.top, 2)


@dataclass(frozen=True, slots=True)
class Layer:
    """One area of a chart over time, on top of those before. Shape: one amount for each day."""

    label: str
    amounts: Sequence[float]
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is expected at the end of a chart's time axis; drawn as dashed lines from now on."""

    label: str
    now: float
    low: float
    high: float
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Amounts over time, as areas on top of one another, or as columns.

    Shape: `days` in order, equally far from one another, between `start` and `end` of the time
        axis; a column reaches to the next day. `about` is a sentence for those who do not see it.
    """

    caption: str
    start: date
    end: date
    days: Sequence[date]
    layers: Sequence[Layer]
    outlooks: Sequence[Outlook] = ()
    unit: Literal["", "bytes"] = ""
    columns: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report's summary, with its label."""

    amount: str
    label: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning above the content: a heading, and one sentence for each case."""

    heading: str
    texts: Sequence[str]
    tone: Tone = "warn"


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A part of a report with its own heading, such as one repository."""

    heading: str
    texts: Sequence[str] = ()
    notices: Sequence[Notice] = ()
    charts: Sequence[Chart] = ()
    courses: Sequence[TimeChart] = ()
    """Amounts over time; only the HTML page draws them."""

    tables: Sequence[Table] = ()
    listing: str = ""
    """Lines to copy, such as a policy file; no text in them is from outside."""

    patch: str = ""
    """A change of a file of the user, as `git apply` takes it."""


@dataclass(frozen=True, slots=True)
class Report:
    """A title, the summary, and a section for each subject.

    Shape: `last` is the summary in one sentence, which programs read as well; `answer` is what
        people asked for, the first line, without a full stop; `next` is a command that goes on.
    """

    title: str
    last: str
    figures: Sequence[Figure] = ()
    sections: Sequence[ReportSection] = ()
    answer: str = ""
    next: str = ""
