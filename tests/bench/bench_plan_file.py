"""What a plan file costs: memory and time to write, read and show up to 1,000,000 changes.

One command measures and prints all of it: `python -m tests.bench.bench_plan_file`. Each step runs
in a fresh process, whose peak is that of the interpreter and the plan together. `--size 10000`
measures that size alone.
"""

import gc
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from reconciler.__main__ import collect_rarely
from reconciler.commands._console import load_plan, print_plan, save
from reconciler.formats.view import View
from reconciler.model.causes import Cause
from reconciler.model.names import Tag
from reconciler.model.plan import DeletionPlan
from reconciler.model.plan_rows import Change, Observed
from tests.bench.bars import Bar, print_bars, print_table
from tests.bench.measure import MIB, Measured, alone
from tests.support.plans import DAY, NOW, WEB, digest, part, plan

SIZES = (10_000, 100_000, 1_000_000)

BYTES_A_CHANGE = 1024
"""Most bytes of memory that a change takes while it is written, and while it is read."""

MEMORY = {1_000_000: 1024}
"""Most MiB of the process, by number of changes."""

_FOLLOWERS = 4


def saved(size: int, path: Path) -> int:
    """Make a plan and save it; return the size of its file in bytes."""
    collect_rarely()
    save(path, large_plan(size).chunks())
    return path.stat().st_size


def loaded(path: Path) -> int:
    """Read a saved plan; return how many versions it deletes."""
    collect_rarely()
    return load_plan(path).summary.delete


def displayed(path: Path, output: str) -> None:
    """Read a saved plan, and print it."""
    collect_rarely()
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        print_plan(load_plan(path), output, View(now=NOW, width=100))  # type: ignore[arg-type]


def allocated(function: Callable[[], object]) -> int:
    """Return the most bytes of Python's memory that a function takes beside what was there."""
    gc.collect()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def large_plan(size: int) -> DeletionPlan:
    """Plan so many deletions: images of two platforms with provenance, four followers each."""
    changes = [_image(number) for number in range(size // (_FOLLOWERS + 1))]
    return plan(part(changes))


def _image(number: int) -> list[Change]:
    """Delete an index and what it lists, as the planner does."""
    root = digest(f"{number}")
    children = tuple(digest(f"{number} {child}") for child in range(_FOLLOWERS))
    pushed = NOW - DAY - DAY * number / 1000
    reason = f"commits: rank {number} of sha-* vs last 20; age {number // 1000}d vs within 30d"
    because = (f"deleted with {root}",)
    index = Observed(
        tags=(Tag(f"sha-{number:07x}"),),
        kind="application/vnd.oci.image.index.v1+json",
        size=MIB + number,
        pushed=pushed,
        first_seen=pushed,
        children=children,
    )
    child = Observed(pushed=pushed, first_seen=pushed)
    return [
        Change(
            key=f"{WEB}@{name}",
            digest=name,
            version_id=str(10_000_000 + number * (_FOLLOWERS + 1) + place),
            component=number + 1,
            cause=Cause.FOLLOWS if place else Cause.EXPIRED,
            rules=() if place else ("commits",),
            reasons=because if place else (reason,),
            observed=child if place else index,
        )
        for place, name in enumerate((root, *children))
    ]


def main(
    size: Annotated[list[int] | None, typer.Option(help="How many changes.")] = None,
) -> None:
    """Measure each size, print a table, and say which limits hold."""
    rows: list[list[str]] = []
    bars: list[Bar] = []
    for count in size or SIZES:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "plan.json"
            steps: dict[str, Measured[Any]] = {
                "make and save": alone(partial(saved, count, path)),
                "read": alone(partial(loaded, path)),
                "show": alone(partial(displayed, path, "text")),
                "show as JSON": alone(partial(displayed, path, "json")),
                "show as Markdown": alone(partial(displayed, path, "markdown")),
            }
            octets = path.stat().st_size
        for name, step in steps.items():
            rows.append([f"{count:,}: {name}", *_cells(step.cpu, step.peak, octets, count)])
            if count in MEMORY:
                bars.append(Bar(f"{name} {count:,}, MiB", step.peak / MIB, MEMORY[count]))
    headings = (
        "changes",
        "seconds of one core",
        "MiB of the process",
        "bytes a change in the file",
    )
    print_table("plan files", headings, rows)
    if not print_bars(bars):
        raise typer.Exit(1)


def _cells(cpu: float, peak: int, octets: int, count: int) -> Iterator[str]:
    yield f"{cpu:.2f}"
    yield f"{peak / MIB:,.0f}"
    yield f"{octets / count:,.0f}"


if __name__ == "__main__":
    typer.run(main)
