"""What a plan of a large package costs, beside fetching every manifest, as other tools do.

One command measures and prints all of it: `python -m tests.bench.bench_plan`. The server is a
sandbox in a process of its own, and each strategy runs in a fresh one. With `--large` a package
of 100,000 versions is planned, for its memory.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reconciler.sandbox.builds import builds
from reconciler.sandbox.limits import UNLIMITED
from reconciler.sandbox.settings import Settings
from reconciler.session import utc_now
from tests.bench.measure import MIB, Measured, alone
from tests.bench.planning import every_manifest, planned
from tests.bench.served import Served, served

LATENCY = 0.02
"""How long each answer takes at least, in seconds."""

VERSIONS_PER_BUILD = 5
"""An index, two platforms and an attestation for each."""

TAGGED_EVERY = 4
"""Every so many builds keep a tag of their own; the others lost theirs to the next one."""

PAGE = 100
MEMORY = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy, the requests that reached the server, and what it took."""

    name: str
    requests: int
    measured: Measured[int]


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold, in words and numbers."""

    words: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.limit


def measure(count: int, *, latency: float, beside: bool) -> list[Row]:
    """Plan a package of so many builds cold and warm, and `beside` it fetch every manifest."""
    fill = partial(builds, count, now=utc_now(), tagged_every=TAGGED_EVERY)
    settings = Settings(limits=UNLIMITED, latency=latency)
    with served(fill, settings) as server, tempfile.TemporaryDirectory() as folder:
        plan = partial(planned, server.host, Path(folder))
        rows = [_row("cold plan", server, plan), _row("warm plan", server, plan)]
        if beside:
            rows.append(_row("every manifest", server, partial(every_manifest, server.url)))
    return rows


def bars(count: int, rows: Sequence[Row]) -> Iterator[Bar]:
    """Hold the figures against what is promised."""
    pages = -(-count * VERSIONS_PER_BUILD // PAGE)
    cold, warm, *others = rows
    peak = max(cold.measured.peak, warm.measured.peak)
    yield Bar("cold requests, pages + 1.1 x roots", cold.requests, pages + 1.1 * count)
    yield Bar("warm requests, pages + 3", warm.requests, pages + 3)
    yield Bar("peak MiB", peak / MIB, MEMORY / MIB)
    for other in others:
        yield Bar(
            "cold seconds, a fifth of the other's", cold.measured.wall, other.measured.wall / 5
        )


def _row(name: str, server: Served, function: Callable[[], int]) -> Row:
    server.forget_requests()
    measured = alone(function)
    return Row(name, len(server.requests), measured)


def main(
    *,
    count: Annotated[int, typer.Option("--builds", help="Builds in the package.")] = 2_000,
    latency: Annotated[float, typer.Option(help="Seconds that an answer takes.")] = LATENCY,
    large: Annotated[bool, typer.Option(help="Plan 100,000 versions instead.")] = False,
) -> None:
    """Measure, print the table, and end with 1 when a bar is missed."""
    count = 20_000 if large else count
    rows = measure(count, latency=latency, beside=not large)
    console = Console()
    console.print(_table(f"{count * VERSIONS_PER_BUILD:,} versions of {count:,} builds", rows))
    checked = list(bars(count, rows))
    for bar in checked:
        verdict = "holds" if bar.holds else "MISSED"
        console.print(f"{verdict:6} {bar.words}: {bar.value:,.2f} of at most {bar.limit:,.2f}")
    raise typer.Exit(not all(bar.holds for bar in checked))


def _table(title: str, rows: Sequence[Row]) -> Table:
    table = Table(title=title)
    table.add_column("strategy")
    for heading in ("requests", "seconds", "seconds of processor", "peak MiB"):
        table.add_column(heading, justify="right")
    for row in rows:
        took = row.measured
        figures = (
            f"{row.requests:,}",
            f"{took.wall:.2f}",
            f"{took.cpu:.2f}",
            f"{took.peak / MIB:.0f}",
        )
        table.add_row(row.name, *figures)
    return table


if __name__ == "__main__":
    typer.run(main)
