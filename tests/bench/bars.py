"""What a measurement is held against, and how it is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that must hold, in words and numbers."""

    words: str
    value: float
    most: float | None = None
    least: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the value is within its limits."""
        too_much = self.most is not None and self.value > self.most
        too_little = self.least is not None and self.value < self.least
        return not (too_much or too_little)

    def __str__(self) -> str:
        limits = (("at most", self.most), ("at least", self.least))
        told = (f"{words} {limit:,.6g}" for words, limit in limits if limit is not None)
        verdict = "holds " if self.holds else "MISSED"
        return f"{verdict} {self.words}: {self.value:,.6g}, {' and '.join(told)}"


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose first column is words and whose others are numbers."""
    table = Table(title=title)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    Console(width=100).print(table)


def print_bars(bars: Iterable[Bar]) -> bool:
    """Print each bar, and return whether all of them hold."""
    checked = list(bars)
    for bar in checked:
        Console(width=100).print(str(bar), highlight=False)
    return all(bar.holds for bar in checked)
