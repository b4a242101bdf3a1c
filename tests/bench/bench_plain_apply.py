"""What an apply sends to a plain registry, how long it takes, and what the plan said of it.

One command measures and prints it: `python -m tests.bench.bench_plain_apply`. The registry is
Debian's `docker-registry` on loopback, a process of its own.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated

import typer

from reconciler import logs
from reconciler.connect import open_registries
from reconciler.formats.view import Cost
from reconciler.model.results import Applied
from reconciler.policyfile import load_text
from reconciler.session import Session, utc_now
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.watch import Sent, Wait
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.measure import alone
from tests.support.documents import image
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote, remote

PATH = "acme/web"
SIZES = (100, 300, 1000, 3000)
"""Tags in the repository; a tenth of them stays, at most 100."""

PUSHES = 8
"""Images pushed at once."""

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules:
      - {{name: builds, match: {{any: true}}, order_by: created, keep: {{last: {kept}}}}}
    guards: {{min_age: 0h, max_delete: 1000000, max_delete_percent: 100}}
"""

_DIGEST = re.compile(r"/manifests/sha256:")


@dataclass(frozen=True, slots=True)
class Measured:
    """One apply: its result, what it sent by kind, what the plan estimated, and what it took.

    Units: `wall` and `cpu` in seconds.
    """

    tags: int
    applied: Applied
    sent: Counter[str]
    cost: Cost
    wall: float
    cpu: float

    @property
    def deleted(self) -> int:
        """How many versions were deleted."""
        return sum(outcome.result == "deleted" for outcome in self.applied.outcomes)


def kept_of(tags: int) -> int:
    """Return how many of so many images the policy keeps."""
    return min(tags // 10, 100)


def push_builds(web: Remote, tags: int) -> None:
    """Push images with a tag each, created one second apart."""

    def push(number: int) -> None:
        created = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        web.push(image(f"build {number}", created=created), f"build-{number}")

    with ThreadPoolExecutor(PUSHES) as pool:
        list(pool.map(push, range(tags)))


def apply_and_count(host: str, folder: Path, tags: int) -> Measured:
    """Plan with an empty cache, apply the plan, and count what the apply sent."""
    logs.configure(verbose=False)
    settings = Settings(
        cache=folder / "cache", registries={host: RegistrySettings(kind="oci", plain_http=True)}
    )
    text = POLICY.format(repository=f"{host}/{PATH}", kept=kept_of(tags)).encode()
    sent: Counter[str] = Counter()

    def count(report: Wait | Sent) -> None:
        if isinstance(report, Sent):
            sent[_kind(report)] += 1

    with open_registries(settings, utc_now) as registries:
        session = Session(load_text("p.yaml", text), registries, LocalState(folder / "state"))
        plan = session.plan(lasts=timedelta(hours=1))
        cost = session.cost(plan)
        began, worked = perf_counter(), process_time()
        with registries.watch.observed(count):
            (applied,) = session.apply(plan, allowed={}, halt=lambda: "")
        wall, cpu = perf_counter() - began, process_time() - worked
    return Measured(tags, applied, sent, cost, wall, cpu)


def measure(tags: int) -> Measured:
    """Fill a registry, and delete nine tenths of it."""
    with tempfile.TemporaryDirectory() as folder:
        server = RegistryServer(Path(folder) / "registry")
        server.start()
        try:
            with remote(server.url, PATH) as web:
                push_builds(web, tags)
            return alone(partial(apply_and_count, server.host, Path(folder), tags)).value
        finally:
            server.stop()


def bars(measured: Measured) -> Iterator[Bar]:
    """Compare a measurement with what is promised."""
    requests, deleted = measured.sent.total(), measured.deleted
    name = f"of {measured.tags:,} tags"
    planned = measured.tags - kept_of(measured.tags)
    yield Bar(f"deleted {name}", deleted, least=planned, most=planned)
    yield Bar(f"requests {name}", requests, most=2 * measured.tags + 4 * deleted)
    share = measured.cost.requests / requests
    # The plan says the least: a registry that deletes slowly gets all tags read again.
    yield Bar(f"estimated share of requests {name}", share, most=1.3)


def _kind(sent: Sent) -> str:
    if sent.method == "DELETE":
        return "DELETE"
    if "/manifests/" not in sent.url:
        return "list" if "/tags/list" in sent.url else "other"
    what = "document" if sent.method == "GET" else "digest" if _DIGEST.search(sent.url) else "tag"
    return f"{sent.method} {what}"


_KINDS = ("HEAD tag", "HEAD digest", "GET document", "list", "DELETE", "other")


def main(
    sizes: Annotated[list[int] | None, typer.Argument(help="Numbers of tags.")] = None,
) -> None:
    """Measure, print the table, and end with 1 when a bar is missed."""
    results = [measure(tags) for tags in sizes or SIZES]
    headings = ("tags", "deleted", "requests", "said", *_KINDS, "wall", "said", "CPU")
    print_table("apply on a plain registry; times in seconds", headings, map(_cells, results))
    raise typer.Exit(not print_bars(bar for result in results for bar in bars(result)))


def _cells(measured: Measured) -> Sequence[str]:
    counts = (measured.deleted, measured.sent.total(), measured.cost.requests)
    kinds = (measured.sent[kind] for kind in _KINDS)
    said = measured.cost.duration.total_seconds()
    times = (f"{measured.wall:.1f}", f"{said:.1f}", f"{measured.cpu:.1f}")
    return (str(measured.tags), *(f"{count:,}" for count in (*counts, *kinds)), *times)


if __name__ == "__main__":
    typer.run(main)
