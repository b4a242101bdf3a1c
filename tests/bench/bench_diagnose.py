"""How many versions `diagnose` takes for what they are, where their makers say what they made.

One command makes the packages, serves them, reads and diagnoses them, and prints how many
versions of each cause were taken for what: `python -m tests.bench.bench_diagnose`. The labels are
written down while the packages are made, by code that cannot import the diagnosis.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated

import typer

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.analysis.diagnose.diagnose import Diagnosis, diagnose
from reconciler.engine.read_all import look_ahead, read_whole
from reconciler.model.inventory import Observations
from reconciler.model.names import Repository
from reconciler.model.ports import RegistryReader
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.bench.bars import Bar, print_bars, print_table
from tests.support.diagnosed import Confusion, Trial
from tests.support.ghcr import ghcr_at
from tests.support.labelled.mixed import HABITS, lifelike_case, mixed, package_of
from tests.support.labelled.stage import Stage

MIXES = 40
"""Packages of habits drawn by lot."""

HABITS_MIXED = 20
"""Habits in each of them."""


def stages(mixes: int, size: int, now: datetime) -> Iterator[Stage]:
    """Make a package of each habit, so many of several, and the one of 1,002 versions."""
    for habit in HABITS:
        yield package_of([habit] * 2, now, path=f"acme/{habit}")
    for seed in range(mixes):
        yield mixed(seed, HABITS_MIXED, now, path=f"acme/mix-{seed}")
    yield lifelike_case(now, size=size, path="acme/flutter")


def measure(made: Sequence[Stage]) -> Confusion:
    """Serve packages, diagnose each through the registry, and count what was taken for what."""
    packages = [stage.package for stage in made]
    counted: Counter[tuple[str, str]] = Counter()
    served = Sandbox(SandboxSettings(limits=UNLIMITED), packages).serve()
    with served as server, closing(ghcr_at(server.url)) as reader:
        for stage in made:
            repository = Repository(f"{server.host}/{stage.package.path}")
            counted.update(Trial(_diagnosed(reader, repository), stage.labels).confusion)
    return counted


def bars(confusion: Confusion) -> Iterable[Bar]:
    """Hold what was found against what was made."""
    right = sum(count for (made, found), count in confusion.items() if made == found)
    total = sum(confusion.values())
    yield Bar("percent of versions taken for what they are", 100 * right / total, least=100)
    yield Bar("causes among them", len({made for made, _ in confusion}), least=len(VersionCause))


def rows(confusion: Confusion) -> Iterator[tuple[str, ...]]:
    """Say of each cause how many versions were taken for it, and what for else."""
    for cause in VersionCause:
        found = {taken: count for (made, taken), count in confusion.items() if made == cause}
        wrong = {taken: count for taken, count in found.items() if taken != cause}
        missed = ", ".join(f"{count} {taken}" for taken, count in sorted(wrong.items()))
        false = sum(n for (made, taken), n in confusion.items() if taken == cause != made)
        figures = (sum(found.values()), found.get(cause, 0), sum(wrong.values()), false)
        yield cause, *(f"{figure:,}" for figure in figures), missed


def main(
    *,
    mixes: Annotated[int, typer.Option(help="Packages of habits drawn by lot.")] = MIXES,
    size: Annotated[int, typer.Option(help="Releases in the package from life.")] = 73,
) -> None:
    """Measure, print the table, and end with 1 when a version is taken for what it is not."""
    confusion = measure(list(stages(mixes, size, utc_now())))
    headings = ("cause", "versions", "right", "wrong", "falsely", "taken for")
    title = f"{sum(confusion.values()):,} versions, by what made them"
    print_table(title, headings, rows(confusion))
    raise typer.Exit(not print_bars(bars(confusion)))


def _diagnosed(reader: RegistryReader, repository: Repository) -> Diagnosis:
    """Read a whole repository as the command does, and diagnose it."""
    nothing = Observations()
    inventory = read_whole(reader, look_ahead(reader, repository), nothing)
    return diagnose(inventory, nothing, now=utc_now())


if __name__ == "__main__":
    typer.run(main)
