"""What a plan of many small repositories costs: several at once, beside one after another.

One command measures and prints both, on one server: `python -m tests.bench.bench_fleet`. Each plan
is made in a fresh process without a cache, and both plans must have the same bytes.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from reconciler import connect
from reconciler.policyfile import load_text
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.generate import YEAR, Build, push_build
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import Session, utc_now
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.measure import MIB, Measured, alone
from tests.bench.planning import POINTS, POLICY
from tests.bench.served import Served, served

LATENCY = 0.05
"""How long each answer takes at least, in seconds."""

REPOSITORIES = 200
BUILDS = 10
"""In each repository, of five versions each."""

TAGGED_EVERY = 4
"""Every so many builds keep a tag of their own."""

FASTER = 4.5
"""How much less time several at once take: the rest is the processor, which they share."""


@dataclass(frozen=True, slots=True)
class Row:
    """One way to plan, the requests that reached the server, and what it took."""

    name: str
    requests: int
    measured: Measured[tuple[int, str]]


def measure(repositories: int, latency: float) -> list[Row]:
    """Plan so many repositories one after another, and then several at once."""
    now = utc_now()
    settings = SandboxSettings(limits=UNLIMITED, latency=latency)
    with served(partial(_packages, repositories, now), settings) as server:
        return [
            _row("one after another", server, now, 1),
            _row("several at once", server, now, connect.REPOSITORIES_AT_ONCE),
        ]


def required(rows: Sequence[Row]) -> list[Bar]:
    """Hold requests and bytes against what is promised: these are the same on every machine."""
    before, after = rows
    differing = before.measured.value != after.measured.value
    return [
        Bar("plans with other bytes", differing, most=0),
        Bar("requests", after.requests, most=before.requests),
    ]


def timed(rows: Sequence[Row]) -> list[Bar]:
    """Hold the time against what is promised."""
    before, after = (row.measured.wall for row in rows)
    return [Bar("times faster", before / after, least=FASTER)]


def _packages(count: int, now: datetime) -> list[StoredPackage]:
    return [_package(f"acme/app-{number:03}", now) for number in range(count)]


def _package(path: str, now: datetime) -> StoredPackage:
    """Fill one package over a year; no other one has its manifests."""
    package = StoredPackage.of(path, now - YEAR)
    for number in range(BUILDS):
        commit, at = f"{path} {number}", now - YEAR * (BUILDS - number) / BUILDS
        own = [f"sha-{number:07x}"] if number % TAGGED_EVERY == 0 else []
        push_build(package, Build(commit, commit, at, ["main", *own]))
    return package


def _row(name: str, server: Served, now: datetime, together: int) -> Row:
    server.forget_requests()
    with tempfile.TemporaryDirectory() as folder:
        measured = alone(partial(_planned, server.host, Path(folder), now, together))
    return Row(name, len(server.requests), measured)


def _planned(host: str, folder: Path, now: datetime, together: int) -> tuple[int, str]:
    """Plan without a cache; return the number of deletions and the hash of the plan."""
    connect.REPOSITORIES_AT_ONCE = together
    registry = RegistrySettings(
        kind="ghcr", api=f"http://{host}", plain_http=True, points_per_minute=POINTS
    )
    settings = Settings(
        state=str(folder / "state"),
        cache=folder / "cache",
        registries={host: registry},
        GITHUB_TOKEN=CLASSIC.token,
    )
    policies = load_text("bench.yaml", POLICY.format(repository=f"{host}/acme/*").encode())
    with connect.open_registries(settings, utc_now) as registries:
        session = Session(policies, registries, LocalState(Path(settings.state)), lambda: now)
        plan = session.plan(lasts=timedelta(hours=1))
    if incomplete := [part.error for part in plan.repositories if not part.complete]:
        raise RuntimeError(f"the plan is incomplete: {incomplete[0]}")
    return plan.summary.delete, hashlib.sha256(plan.to_bytes()).hexdigest()


def main(
    *,
    repositories: Annotated[int, typer.Option(help="How many.")] = REPOSITORIES,
    latency: Annotated[float, typer.Option(help="Seconds that an answer takes.")] = LATENCY,
) -> None:
    """Measure, print the table, and end with 1 when a bar is missed."""
    rows = measure(repositories, latency)
    versions = BUILDS * 5
    title = f"{repositories:,} repositories of {versions} versions, {latency * 1000:g} ms"
    headings = ("repositories", "requests", "seconds", "of processor", "peak MiB")
    print_table(title, headings, map(_cells, rows))
    raise typer.Exit(not print_bars([*required(rows), *timed(rows)]))


def _cells(row: Row) -> tuple[str, ...]:
    took = row.measured
    figures = f"{took.wall:.2f}", f"{took.cpu:.2f}", f"{took.peak / MIB:.0f}"
    return row.name, f"{row.requests:,}", *figures


if __name__ == "__main__":
    typer.run(main)
