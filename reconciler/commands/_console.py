"""Helpers of all commands: exit codes, confirmation, output, saved plans and new files.

stdout carries the result, stderr everything else.
"""

import os
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reconciler.errors import ExitCode, PlanError, ReconcilerError, SettingsError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.commands._options import Format
    from reconciler.formats.report import Report
    from reconciler.formats.view import Cost, View
    from reconciler.model.comparison import Difference
    from reconciler.model.plan import Plan
    from reconciler.model.results import Applied

_CHUNK = 64 * 1024
"""Bytes of a plan that are read at once."""

PIPED_WIDTH = 100
"""Columns of text that goes to a file or another program."""


def colours() -> bool:
    """Whether stdout gets colours.

    Source: no-color.org and force-color.org; NO_COLOR wins.
    """
    if os.environ.get("NO_COLOR"):
        return False
    # A dumb terminal prints control sequences as text.
    terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return bool(os.environ.get("FORCE_COLOR")) or terminal


def view(
    now: "datetime",
    *,
    all_rows: bool = False,
    cost: "Cost | None" = None,
    against: "Difference | None" = None,
) -> "View":
    """Describe where stdout goes: a terminal with its width and colours, or a pipe."""
    from reconciler.formats.view import View

    terminal = sys.stdout.isatty()
    return View(
        now=now,
        width=shutil.get_terminal_size().columns if terminal else PIPED_WIDTH,
        colour=colours(),
        all_rows=all_rows,
        cost=cost,
        against=against,
    )


def print_plan(plan: "Plan", output: "Format", display: "View") -> None:
    """Print a plan on stdout."""
    from reconciler.formats import catalogue

    for piece in catalogue.render_pieces(plan, output, display):
        typer.echo(piece, nl=False)


def print_applied(results: Sequence["Applied"], display: "View", place: Sequence[str] = ()) -> None:
    """Print on stdout what an apply did, and the command that undoes it where there is one.

    Shape: `place` are the arguments for the state, if they were given.
    """
    from reconciler.commands._next import command
    from reconciler.formats import applied as applied_format

    undo = (command("undo", result.run, *place) for result in results if result.can_be_undone)
    typer.echo(applied_format.render(results, display, undo=next(undo, "")), nl=False)


def load_plan(path: Path) -> "Plan":
    """Read a saved plan and verify its digest.

    Raises: PlanError, when it is not a plan, or was altered.
    """
    from reconciler.model.plan import read_chunks

    try:
        with path.open("rb") as file:
            return read_chunks(iter(partial(file.read, _CHUNK), b""))
    except OSError as error:
        raise PlanError(
            f"{path}: {error.strerror}", hint="Name a file saved with --out."
        ) from error
    except PlanError as error:
        raise PlanError(f"{path}: {error}", hint=error.hint) from error


def save(path: Path, chunks: Iterable[bytes]) -> None:
    """Write the parts of a result to a file that the user named.

    Raises: SettingsError, when it cannot be written.
    """
    try:
        _refuse_foreign_link(path)
        with path.open("wb") as file:
            file.writelines(chunks)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}", hint="Name another file.") from error


def _refuse_foreign_link(path: Path) -> None:
    """Refuse a symbolic link in a folder that other users can write to.

    They could have created it, to make us overwrite a file of their choice.
    """
    if path.is_symlink() and path.parent.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError(
            f"{path}: this is a symbolic link, in a folder that other users can write to",
            hint="Name a file in a folder that only you can write to.",
        )


def ask(question: str, *, yes: bool, refused: str) -> None:
    """Ask for confirmation, which only the whole word `yes` gives; `yes` gives it in advance.

    Raises: UsageError, when stdin is not a terminal; typer.Exit, when the answer is another one.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("not a terminal: add --yes to confirm.")
    typer.echo(f'{question} Type "yes" to confirm: ', nl=False, err=True)
    if input().strip() != "yes":
        typer.echo(refused, err=True)
        raise typer.Exit(ExitCode.OK)


@contextmanager
def running(*, verbose: bool) -> Iterator[None]:
    """Write log events to stderr; print an error of ours, and end with its exit code."""
    from reconciler import logs

    logs.configure(verbose=verbose)
    with reported_errors():
        yield


@contextmanager
def reported_errors() -> Iterator[None]:
    """Print an error of ours with its hint, and end with its exit code.

    Enough for a command that logs nothing: loading the log takes longer than showing a plan.
    """
    try:
        yield
    except ReconcilerError as error:
        complain(error)
        raise typer.Exit(error.exit_code) from error


def complain(error: ReconcilerError) -> None:
    """Print an error and its hint on stderr."""
    typer.echo(f"Error: {error_text(error)}", err=True)


def error_text(error: ReconcilerError) -> str:
    """Return the message and the hint of an error, without any terminal or workflow command."""
    from reconciler.model.base import inert, safe

    # Errors quote answers of servers and names of files; only the line breaks are ours.
    lines = f"{error}\n{error.hint}".splitlines()
    return "\n".join(inert(safe(line)) for line in lines).rstrip()


def finish(code: ExitCode) -> None:
    """End the command with an exit code."""
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def print_report(output: "Format", display: "View", report: "Report", as_json: str) -> None:
    """Print a report on stdout; `as_json` is the document for `--format json`."""
    from reconciler.formats.report_text import FORMATS

    typer.echo(as_json if output == "json" else FORMATS[output](report, display), nl=False)


def refuse_existing(files: Iterable[Path]) -> None:
    """Refuse to overwrite files.

    Raises: SettingsError, naming every file that exists.
    """
    if existing := [str(path) for path in files if path.exists() or path.is_symlink()]:
        raise SettingsError(
            f"{', '.join(existing)}: already exists, and is not overwritten",
            hint="Name another file, or move this one away.",
        )


def create(files: Mapping[Path, str]) -> None:
    """Write new files and print their names; an existing file is never overwritten.

    Raises: SettingsError, when one cannot be written.
    """
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Mode x fails if the file was created after `refuse_existing` looked.
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise SettingsError(f"{path}: {error.strerror}", hint="Name another file.") from error
        typer.echo(str(path))
