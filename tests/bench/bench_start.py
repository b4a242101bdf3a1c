"""What commands cost before they do anything that takes long: seconds of processor of a process.

One command measures and prints all of it: `python -m tests.bench.bench_start`. Each command runs
in a process of its own on a package that a sandbox serves; a plan of it is saved, and its
documents are in the cache. The figure is the middle of five runs.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from reconciler.sandbox.generate import builds
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.planning import PATH, POLICY, environment
from tests.bench.served import served

RUNS = 5
BUILDS = 20
PLAN = "plan.json"

PROGRAM = (sys.executable, "-c", "from reconciler.__main__ import main; main()")
"""What the script `reconciler` does."""


@dataclass(frozen=True, slots=True)
class Case:
    """A command line, and the most seconds of processor that it may take."""

    name: str
    arguments: Sequence[str]
    most: float
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a policy, a saved plan and a cache, beside a sandbox."""

    folder: Path
    environment: Mapping[str, str]
    image: str

    def run(self, case: Case) -> float:
        """Run a command; return the seconds of processor that it took.

        Raises: CalledProcessError, when it fails.
        """
        before = _spent_on_children()
        subprocess.run(
            [*PROGRAM, *case.arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, **case.variables},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return _spent_on_children() - before


def cases(image: str) -> tuple[Case, ...]:
    """Return what is measured; `image` is a reference to explain."""
    option = {
        "_RECONCILER_COMPLETE": "complete_bash",
        "COMP_WORDS": "reconciler plan --ag",
        "COMP_CWORD": "2",
    }
    return (
        Case("--version", ["--version"], 0.08),
        Case("--help", ["--help"], 0.08),
        Case("plan --help", ["plan", "--help"], 0.15),
        Case("completion of an option", [], 0.15, option),
        Case("validate", ["validate"], 0.25),
        Case("show", ["show", PLAN], 0.3),
        Case("explain, warm cache", ["explain", image], 0.5),
    )


@contextmanager
def prepared() -> Iterator[Place]:
    """Serve a package, save a plan of it, and so fill the cache."""
    fill = partial(builds, BUILDS, now=utc_now(), tagged_every=1)
    settings = SandboxSettings(limits=UNLIMITED)
    with served(fill, settings) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "policies").mkdir()
        repository = f"{server.host}/{PATH}"
        (folder / "policies" / "bench.yaml").write_text(POLICY.format(repository=repository))
        place = Place(folder, environment(server.host, folder), f"{repository}:main")
        place.run(Case("plan", ["plan", "--out", PLAN], 0))
        yield place


def measure(runs: int) -> Iterator[tuple[Case, float]]:
    """Yield each command and the middle of so many runs."""
    with prepared() as place:
        for case in cases(place.image):
            yield case, median(place.run(case) for _ in range(runs))


def bars(rows: Sequence[tuple[Case, float]]) -> Iterator[Bar]:
    """Yield the limits."""
    for case, took in rows:
        yield Bar(f"{case.name}, seconds", took, most=case.most)


def _spent_on_children() -> float:
    """Return the seconds of processor of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(runs: Annotated[int, typer.Option(help="Runs of each command.")] = RUNS) -> None:
    """Measure each command, print a table, and say which limits hold."""
    rows = list(measure(runs))
    print_table(
        f"seconds of processor of a process, the middle of {runs}",
        ("command", "seconds", "at most"),
        [(case.name, f"{took:.2f}", f"{case.most:.2f}") for case, took in rows],
    )
    if not print_bars(bars(rows)):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
