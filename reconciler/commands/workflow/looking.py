"""The steps `check` and `diagnose`: the commands of these names, whose output is the summary."""

import contextlib
import io
from importlib import import_module
from typing import Any

import typer

from reconciler.commands.workflow.inputs import Inputs
from reconciler.commands.workflow.report import Report
from reconciler.errors import ExitCode


def look(inputs: Inputs) -> Report:
    """Run the command and report what it printed."""
    command = import_module(f"reconciler.commands.{inputs.command}")
    code, printed = _run(command.app, ["--format", "markdown", "--", *inputs.paths])
    return Report(
        code=code,
        outputs={"changes": "true" if code is ExitCode.CHANGES else "false"},
        text=printed,
        summary=printed,
    )


def _run(app: typer.Typer, arguments: list[str]) -> tuple[ExitCode, str]:
    """Run a command of ours; return how it ended, and what it wrote on stdout."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code: Any = typer.main.get_command(app).main(arguments, standalone_mode=False)
    return ExitCode(code or 0), printed.getvalue()
