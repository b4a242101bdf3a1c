"""How fast deletions go under GitHub's limits, and what a server that is stricter makes of it.

One command measures and prints all of it: `python -m tests.bench.bench_apply`. The sandbox
enforces the limits that GitHub publishes, in a part of their time, in a process of its own.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import dropwhile
from pathlib import Path
from typing import Annotated

import typer

from reconciler import logs
from reconciler.connect import Connection, Registries
from reconciler.model.journal import Result
from reconciler.policyfile import load_text
from reconciler.providers.ghcr.api import GhcrConnection, GitHubHost
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.generate import builds
from reconciler.sandbox.settings import READ_POINTS, STRICTER, WRITE_POINTS, Limits, SandboxSettings
from reconciler.sandbox.world import RecordedCall
from reconciler.session import Session, utc_now
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.cache import ManifestCache
from reconciler.transport.watch import RunClock
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.measure import alone
from tests.bench.served import Served, served

FACTOR = 2
"""How much faster than on GitHub time passes for the published limits.

What the processor and the disk take is not faster, and would be counted so many times.
"""

STRICTER_FACTOR = 20
"""How much faster time passes for limits that refuse: each refusal takes minutes."""

_REFUSED = (403, 429)

BUILDS, STAYING, VERSIONS_PER_BUILD = 120, 5, 5
LATENCY = 0.05
"""How long each answer takes at least, in seconds: half of what GitHub takes, about."""

POLICY = """
version: 1
policies:
  - name: bench
    repositories: ["{repository}"]
    rules:
      - {{name: all, match: {{any: true}}, keep: {{last: {staying}}}}}
    guards: {{max_delete: 1000000, max_delete_percent: 100}}
"""


@dataclass(frozen=True, slots=True)
class Pace:
    """One apply: how its deletions ended, and what the server saw of it.

    Units: `minutes` as the limits count them, from the first deletion on. What is read before it
        takes its time from the processor, which does not run faster when the limits do.
    """

    name: str
    results: Counter[str]
    minutes: float
    calls: Sequence[RecordedCall]

    @property
    def deleted(self) -> int:
        """How many versions went."""
        return self.results[Result.DELETED]

    @property
    def refused(self) -> int:
        """How many calls a limit refused."""
        return sum(seen.status in _REFUSED for seen in self.calls)

    @property
    def points_per_minute(self) -> float:
        """What the calls that were let through spent of the API's limit, on average."""
        calls = dropwhile(lambda seen: seen.method != "DELETE", self.calls)
        api = (seen for seen in calls if not seen.target.startswith(("/v2/", "/token")))
        passed = (seen.method for seen in api if seen.status not in _REFUSED)
        spent = sum(WRITE_POINTS if method == "DELETE" else READ_POINTS for method in passed)
        return spent / self.minutes


def applied(server: Served, factor: float) -> tuple[Counter[str], float]:
    """Plan a package and apply the plan; return how often each result came of it, and how long.

    Units: seconds from when the first deletion may be sent. Only the calls of the apply stay in
        the server's record.
    """
    logs.configure(verbose=False)
    repository = f"{server.host}/acme/web"
    policies = load_text(
        "bench.yaml", POLICY.format(repository=repository, staying=STAYING).encode()
    )
    with tempfile.TemporaryDirectory() as folder:
        registries = _registries(server, factor)
        session = Session(policies, registries, LocalState(Path(folder)))
        plan = session.plan(lasts=timedelta(hours=1))
        server.forget_requests()
        asked: list[float] = []

        def halt() -> str:
            asked.append(time.perf_counter())
            return ""

        (done,) = session.apply(plan, allowed={}, halt=halt)
        seconds = time.perf_counter() - asked[0]
        registries.close()
    if done.error:
        raise done.error
    return Counter(outcome.result.value for outcome in done.outcomes), seconds


def measure(name: str, limits: Limits, count: int, factor: float) -> Pace:
    """Let so many builds go under limits whose minute is so much shorter than a minute."""
    fill = partial(builds, count + STAYING, now=utc_now())
    settings = SandboxSettings(limits=limits.scaled(factor), latency=LATENCY * FACTOR / factor)
    with served(fill, settings) as server:
        results, seconds = alone(partial(applied, server, factor)).value
        return Pace(name, results, seconds * factor / 60, server.requests)


def bars(count: int, published: Pace, stricter: Pace) -> Iterator[Bar]:
    """Hold both against what is promised."""
    versions = count * VERSIONS_PER_BUILD
    allowed = Limits().points or 0
    yield Bar("deleted under published limits", published.deleted, least=versions, most=versions)
    yield Bar("refused under published limits", published.refused, most=0)
    yield Bar("deletions a minute", published.deleted / published.minutes, least=160)
    yield Bar("points a minute (0.9 x allowed)", published.points_per_minute, least=0.9 * allowed)
    yield Bar("deleted under stricter limits", stricter.deleted, least=versions, most=versions)


def _registries(server: Served, factor: float) -> Registries:
    """Open the sandbox alone, with limits that count as fast as its own."""
    told = RegistrySettings(kind="ghcr", api=server.url, plain_http=True)
    cache, watch = ManifestCache(None), RunClock(utc_now)
    where = GitHubHost(server.url, server.url, minute=60 / factor)
    token = CLASSIC.token.get_secret_value()
    registry = GhcrRegistry(GhcrConnection.open(where, token, cache, watch))
    doors = Connection(registry, registry, registry.close)
    return Registries(Settings(registries={server.host: told}), cache, watch, {server.host: doors})


def main(
    *,
    count: Annotated[
        int, typer.Option("--builds", help="Builds that go, of five versions.")
    ] = BUILDS,
) -> None:
    """Measure, print the table, and end with 1 when a bar is missed."""
    paces = [
        measure("published", Limits(), count, FACTOR),
        measure("stricter", STRICTER, count, STRICTER_FACTOR),
    ]
    title = f"{count * VERSIONS_PER_BUILD:,} deletions; minutes as the limits count them"
    headings = ("limits", "deleted", "refused", "minutes", "deletions/min", "points/min")
    print_table(title, headings, map(_cells, paces))
    raise typer.Exit(not print_bars(bars(count, *paces)))


def _cells(pace: Pace) -> tuple[str, ...]:
    rates = f"{pace.deleted / pace.minutes:.0f}", f"{pace.points_per_minute:.0f}"
    return pace.name, str(pace.deleted), str(pace.refused), f"{pace.minutes:.1f}", *rates


if __name__ == "__main__":
    typer.run(main)
