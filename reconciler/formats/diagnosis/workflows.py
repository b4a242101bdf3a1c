"""What workflow files have to do with a diagnosis: who makes it, and what to change in them."""

from collections.abc import Iterator

from reconciler.core.diagnosing.counsel import AdvisedChange, WorkflowAdvice
from reconciler.formats.html.parts import Cell, Column, Notice, Table
from reconciler.formats.humanise import counted


def steps(counsel: WorkflowAdvice) -> Iterator[Table]:
    """Name the steps that make what was found, and what could be changed in them."""
    rows = [
        (Cell(one.place), Cell(one.step), Cell(", ".join(one.causes)))
        for one in counsel.attributions
    ]
    columns = (Column("Place", "code"), Column("Step", "code"), Column("Makes"))
    yield Table("Steps of workflows that make them", columns, rows)
    changes = (Column("Place", "code"), Column("Spares", "number"), Column("Change"))
    yield Table("What to change in the workflows", changes, [*map(_proposal, counsel.proposals)])


def verdict(counsel: WorkflowAdvice) -> Iterator[str]:
    """Say which single change would stop most of the growth."""
    for first in counsel.proposals[:1]:
        spared = counted(first.unneeded or first.needed, "version")
        which = "that nothing needs" if first.unneeded else "which are needed as it is"
        yield f"One change in {first.place} would have spared {spared} {which}."


def unread(counsel: WorkflowAdvice) -> Iterator[Notice]:
    """Tell of the workflow files that were not read."""
    if counsel.unread:
        yield Notice("Workflow files that were not read", counsel.unread)


def patch(counsel: WorkflowAdvice) -> str:
    """Return the change that spares most as `git apply` takes it; empty where there is none."""
    return next((one.patch for one in counsel.proposals[:1]), "")


def _proposal(one: AdvisedChange) -> tuple[Cell, ...]:
    spared = f"{one.unneeded:,} left over" if one.unneeded else f"{one.needed:,} needed"
    return Cell(one.place), Cell(spared, one.unneeded or one.needed), Cell(one.text)
