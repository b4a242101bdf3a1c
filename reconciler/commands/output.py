"""How commands read plans and print results: stdout is the result, stderr everything else."""

import os
import shutil
import stat
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from reconciler.engine.apply import Applied
from reconciler.errors import PlanError, SettingsError
from reconciler.formats import applied as applied_format
from reconciler.formats import catalogue
from reconciler.formats.view import Cost, View
from reconciler.model.difference import Difference
from reconciler.model.plan import Plan, read_plan

PIPED_WIDTH = 100
"""Columns of text that goes to a file or another program."""

Format = Literal["text", "json", "markdown", "html"]
PlanFormat = Annotated[Format, typer.Option("--format", help="How to print the plan.")]
AllRows = Annotated[bool, typer.Option("--all", help="Print every row, however many.")]


def view(
    now: datetime,
    *,
    all_rows: bool = False,
    cost: Cost | None = None,
    against: Difference | None = None,
) -> View:
    """Describe who looks at stdout: a terminal with its width and colours, or a pipe."""
    terminal = sys.stdout.isatty()
    colourless = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return View(
        now=now,
        width=shutil.get_terminal_size().columns if terminal else PIPED_WIDTH,
        colour=terminal and not colourless,
        all_rows=all_rows,
        cost=cost,
        against=against,
    )


def print_plan(plan: Plan, output: Format, seen: View) -> None:
    """Print a plan on stdout."""
    typer.echo(catalogue.render(plan, output, seen), nl=False)


def print_applied(done: Sequence[Applied], seen: View) -> None:
    """Print on stdout how an apply ended, and how to take it back where that is possible."""
    takes_back = (f"reconciler undo {one.run}" for one in done if one.can_be_undone)
    typer.echo(applied_format.render(done, seen, undo=next(takes_back, "")), nl=False)


def load_plan(path: Path) -> Plan:
    """Read a saved plan, once, and verify it.

    Raises: PlanError, when it is no plan, or was altered.
    """
    try:
        return read_plan(path.read_bytes())
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}", hint="Name a file made by --out.") from error
    except PlanError as error:
        raise PlanError(f"{path}: {error}", hint=error.hint) from error


def save(path: Path, content: bytes) -> None:
    """Write a result to a file that the user named.

    Raises: SettingsError, when it cannot be written.
    """
    try:
        _refuse_foreign_link(path)
        path.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="Name another file.") from error


def _refuse_foreign_link(path: Path) -> None:
    """Refuse a link in a folder where others may put one: it would lead our result elsewhere."""
    if path.is_symlink() and path.parent.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(
            f"{path}: this is a link, in a folder that others may write to",
            hint="Name a file in a folder of your own.",
        )
