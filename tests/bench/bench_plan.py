"""What a plan of a large package costs, beside fetching every manifest, as other tools do.

One command measures and prints all of it: `python -m tests.bench.bench_plan`. The server is a
sandbox in a process of its own, and each strategy runs in a fresh one, whose start counts too. With
`--rival` the build of ghcr-cleanup-action runs beside it, by Node; without, only the plain strategy
that reads every manifest stands for the others. With `--large` a package of 100,000 versions is
planned, for its memory.
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
from tests.bench.planning import every_manifest, planned, rival
from tests.bench.served import Served, served

LATENCIES = 0.02, 0.15
"""How long each answer takes at least, in seconds: from nearby, and as ghcr.io from a runner."""

SOONER = {0.02: 8, 0.15: 16}
"""How many times sooner a cold plan ends than the rival's, by latency."""

BUILDS, MANY_BUILDS = 2_000, 20_000
VERSIONS_PER_BUILD = 5
"""An index, two platforms and an attestation for each."""

TAGGED_EVERY = 4
"""Every so many builds keep a tag of their own; the others lost theirs to the next one."""

RIVAL = "ghcr-cleanup-action"
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


def measure(count: int, latency: float, *, beside: bool, script: Path | None = None) -> list[Row]:
    """Plan a package of so many builds cold and warm, and `beside` it fetch every manifest.

    Shape: with a `script`, the rival's build, a row of the rival comes last.
    """
    fill = partial(builds, count, now=utc_now(), tagged_every=TAGGED_EVERY)
    settings = SandboxSettings(limits=UNLIMITED, latency=latency)
    with served(fill, settings) as server, tempfile.TemporaryDirectory() as folder:
        plan = partial(planned, server.host, Path(folder))
        rows = [_row("cold plan", server, plan), _row("warm plan", server, plan)]
        if beside:
            rows.append(_row("every manifest", server, partial(every_manifest, server.url)))
        if script:
            beaten = partial(rival, server.url, Path(folder), script)
            rows.append(_row(RIVAL, server, beaten))
    return rows


def counted(count: int, rows: Sequence[Row]) -> Iterator[Bar]:
    """Hold the requests against what is promised: these are the same on every machine."""
    pages = -(-count * VERSIONS_PER_BUILD // PAGE)
    cold, warm = (row.requests for row in rows[:2])
    yield Bar("cold requests (pages + 1.1 x roots)", cold, most=pages + 1.1 * count + BESIDE_PAGES)
    yield Bar(f"warm requests (pages + {BESIDE_PAGES})", warm, most=pages + BESIDE_PAGES)


def timed(rows: Sequence[Row], latency: float) -> Iterator[Bar]:
    """Hold memory, and the time beside the other strategies, against what is promised."""
    cold, warm, *others = rows
    peak = max(cold.measured.peak, warm.measured.peak)
    yield Bar("peak MiB of a plan", peak / MIB, most=MEMORY)
    for other in others:
        ratio = other.measured.wall / cold.measured.wall
        least = SOONER.get(latency, 5) if other.name == RIVAL else 5
        yield Bar(f"times sooner than {other.name}", ratio, least=least)


def _row(name: str, server: Served, function: Callable[[], int]) -> Row:
    server.forget_requests()
    measured = alone(function)
    return Row(name, len(server.requests), measured)


def main(
    *,
    count: Annotated[int, typer.Option("--builds", help="Builds in the package.")] = BUILDS,
    latencies: Annotated[
        list[float], typer.Option("--latency", help="Seconds that an answer takes.")
    ] = list(LATENCIES),  # noqa: B006
    script: Annotated[
        Path | None, typer.Option("--rival", help="dist/index.js of ghcr-cleanup-action.")
    ] = None,
    large: Annotated[bool, typer.Option(help="Plan 100,000 versions instead.")] = False,
) -> None:
    """Measure, print a table for each latency, and end with 1 when a bar is missed."""
    count = MANY_BUILDS if large else count
    bars: list[Bar] = []
    for latency in latencies:
        rows = measure(count, latency, beside=not large, script=script)
        title = (
            f"{count * VERSIONS_PER_BUILD:,} versions of {count:,} builds, {latency * 1000:g} ms"
        )
        headings = ("strategy", "requests", "seconds", "of processor", "peak MiB")
        print_table(title, headings, map(_cells, rows))
        bars += [*counted(count, rows), *timed(rows, latency)]
    if script is None and not large:
        typer.echo("No --rival is given: reading every manifest, ten at once, stands for it.")
    raise typer.Exit(not print_bars(bars))


def _cells(row: Row) -> tuple[str, ...]:
    took = row.measured
    figures = f"{took.wall:.2f}", f"{took.cpu:.2f}", f"{took.peak / MIB:.0f}"
    return row.name, f"{row.requests:,}", *figures


if __name__ == "__main__":
    typer.run(main)
