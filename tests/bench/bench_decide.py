"""What deciding costs, without any registry: links, decisions and plan of large repositories.

One command measures and prints all of it: `python -m tests.bench.bench_decide`. The policy has
twelve rules. Deciding and planning run in a fresh process each, so that their memory is told
apart; the repository is part of it. `--size 10000` measures that size alone.
"""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

import typer

from reconciler.__main__ import collect_rarely
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.core.planner import PlanningInput, plan_repository
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.measure import MIB, Measured, alone
from tests.support.inventories import case
from tests.support.lifelike import POLICY, busy_repository

SIZES = (10_000, 100_000, 1_000_000)
VERSIONS_PER_BUILD = 5.24
"""How many versions `busy_repository` makes of a build, on average."""

PLANNED_WITHIN = {10_000: 1.0}
"""Most seconds of one core for a whole plan, by number of versions."""

DECIDED_WITHIN = {1_000_000: 20.0}
"""Most seconds of one core for links and decisions, by number of versions."""

MEMORY = {1_000_000: 1536}
"""Most MiB for links and decisions, the repository included, by number of versions."""

STEEPEST = 1.5
"""How much longer a version may take in a repository than in one of a tenth of its size.

Time is linear; what grows is how often the processor's caches miss.
"""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of deciding. Units: `linking` and `deciding` in seconds of one core."""

    versions: int
    images: int
    doomed: int
    linking: float
    deciding: float

    @property
    def seconds(self) -> float:
        """Both together."""
        return self.linking + self.deciding


@dataclass(frozen=True, slots=True)
class Row:
    """One size: deciding, and the seconds of one core that a whole plan takes."""

    size: int
    decided: Measured[Decided]
    planned: Measured[float]


def repository(size: int) -> PlanningInput:
    """Make a repository of about so many versions, in a process like that of the command line."""
    collect_rarely()
    one = case(POLICY, *busy_repository(round(size / VERSIONS_PER_BUILD)))
    gc.collect()
    gc.freeze()
    return one


def deciding(size: int) -> Decided:
    """Link and decide."""
    one = repository(size)
    graph, linked = timed(lambda: build_graph(one.inventory))
    decided, took = timed(lambda: decide(one.policy, one.inventory, graph, now=one.now))
    return Decided(
        len(one.inventory.versions), len(decided.images), len(decided.to_delete), linked, took
    )


def planning(size: int) -> float:
    """Draw a whole plan, which links and decides as well; return how long that took."""
    one = repository(size)
    return timed(lambda: plan_repository(one, {}))[1]


def timed(function: Callable[[], Value]) -> tuple[Value, float]:
    """Return what a function returns, and the seconds of one core that it took."""
    began = time.process_time()
    value = function()
    return value, time.process_time() - began


def main(
    size: Annotated[list[int] | None, typer.Option(help="How many versions.")] = None,
) -> None:
    """Measure each size, print a table, and say which limits hold."""
    rows = [
        Row(one, alone(partial(deciding, one)), alone(partial(planning, one)))
        for one in size or SIZES
    ]
    print_table(
        "twelve rules; seconds of one core, MiB with the repository itself",
        ("versions", "images", "doomed", "link", "decide", "MiB", "plan", "MiB"),
        [list(_cells(row)) for row in rows],
    )
    if not print_bars(bar for at, row in enumerate(rows) for bar in _bars(row, rows[at - 1])):
        raise typer.Exit(1)


def _cells(row: Row) -> Iterator[str]:
    decided = row.decided.value
    yield from (f"{count:,}" for count in (decided.versions, decided.images, decided.doomed))
    yield from (f"{seconds:.2f}" for seconds in (decided.linking, decided.deciding))
    yield f"{row.decided.peak / MIB:,.0f}"
    yield f"{row.planned.value:.2f}"
    yield f"{row.planned.peak / MIB:,.0f}"


def _bars(row: Row, before: Row) -> Iterator[Bar]:
    """Yield the limits for one size, beside the size before it."""
    decided, smaller = row.decided.value, before.decided.value
    label = f"{row.size:,} versions"
    if row.size in PLANNED_WITHIN:
        yield Bar(f"{label}, seconds to plan", row.planned.value, PLANNED_WITHIN[row.size])
    if row.size in DECIDED_WITHIN:
        yield Bar(f"{label}, seconds to decide", decided.seconds, DECIDED_WITHIN[row.size])
        yield Bar(f"{label}, MiB to decide", row.decided.peak / MIB, MEMORY[row.size])
        slope = decided.seconds / decided.versions / (smaller.seconds / smaller.versions)
        yield Bar(f"{label}, time of a version beside {before.size:,}", slope, STEEPEST)


if __name__ == "__main__":
    typer.run(main)
