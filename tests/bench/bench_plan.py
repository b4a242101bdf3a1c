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

from reconciler.sandbox.generate import builds
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.measure import MIB, Measured, alone
from tests.bench.planning import every_manifest, planned
from tests.bench.served import Served, served

LATENCY = 0.02
"""How long each answer takes at least, in seconds."""

BUILDS, MANY_BUILDS = 2_000, 20_000
VERSIONS_PER_BUILD = 5
"""An index, two platforms and an attestation for each."""

TAGGED_EVERY = 4
"""Every so many builds keep a tag of their own; the others lost theirs to the next one."""

PAGE = 100
BESIDE_PAGES = 4
"""Reads besides the pages: who the owner is, how many versions there are, both ends again."""

MEMORY = 1024
"""Most memory that a plan of 100,000 versions may take, in MiB."""


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy, the requests that reached the server, and what it took."""

    name: str
    requests: int
    measured: Measured[int]


def measure(count: int, latency: float, *, beside: bool) -> list[Row]:
    """Plan a package of so many builds cold and warm, and `beside` it fetch every manifest."""
    fill = partial(builds, count, now=utc_now(), tagged_every=TAGGED_EVERY)
    settings = SandboxSettings(limits=UNLIMITED, latency=latency)
    with served(fill, settings) as server, tempfile.TemporaryDirectory() as folder:
        plan = partial(planned, server.host, Path(folder))
        rows = [_row("cold plan", server, plan), _row("warm plan", server, plan)]
        if beside:
            rows.append(_row("every manifest", server, partial(every_manifest, server.url)))
    return rows


def counted(count: int, rows: Sequence[Row]) -> Iterator[Bar]:
    """Hold the requests against what is promised: these are the same on every machine."""
    pages = -(-count * VERSIONS_PER_BUILD // PAGE)
    cold, warm = (row.requests for row in rows[:2])
    yield Bar("cold requests (pages + 1.1 x roots)", cold, most=pages + 1.1 * count + BESIDE_PAGES)
    yield Bar(f"warm requests (pages + {BESIDE_PAGES})", warm, most=pages + BESIDE_PAGES)


def timed(rows: Sequence[Row]) -> Iterator[Bar]:
    """Hold memory, and the time beside the other strategy, against what is promised."""
    cold, warm, *others = (row.measured for row in rows)
    yield Bar("peak MiB of a plan", max(cold.peak, warm.peak) / MIB, most=MEMORY)
    for other in others:
        yield Bar("cold seconds (a fifth of the other's)", cold.wall, most=other.wall / 5)


def _row(name: str, server: Served, function: Callable[[], int]) -> Row:
    server.forget_requests()
    measured = alone(function)
    return Row(name, len(server.requests), measured)


def main(
    *,
    count: Annotated[int, typer.Option("--builds", help="Builds in the package.")] = BUILDS,
    latency: Annotated[float, typer.Option(help="Seconds that an answer takes.")] = LATENCY,
    large: Annotated[bool, typer.Option(help="Plan 100,000 versions instead.")] = False,
) -> None:
    """Measure, print the table, and end with 1 when a bar is missed."""
    count = MANY_BUILDS if large else count
    rows = measure(count, latency, beside=not large)
    title = f"{count * VERSIONS_PER_BUILD:,} versions of {count:,} builds, {latency * 1000:g} ms"
    headings = ("strategy", "requests", "seconds", "of processor", "peak MiB")
    print_table(title, headings, map(_cells, rows))
    raise typer.Exit(not print_bars([*counted(count, rows), *timed(rows)]))


def _cells(row: Row) -> tuple[str, ...]:
    took = row.measured
    figures = f"{took.wall:.2f}", f"{took.cpu:.2f}", f"{took.peak / MIB:.0f}"
    return row.name, f"{row.requests:,}", *figures


if __name__ == "__main__":
    typer.run(main)
