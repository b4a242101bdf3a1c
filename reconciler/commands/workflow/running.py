"""Runs another command of ours, for a step that needs what it prints."""

import contextlib
import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer

from reconciler.errors import ExitCode


class Ran(NamedTuple):
    """How a command ended, and what it wrote on each stream."""

    code: ExitCode
    printed: str
    complaints: str

    @property
    def error(self) -> str:
        """What it complained of last, without what it logged before; empty if of nothing."""
        _, found, text = self.complaints.rpartition("Error: ")
        return text if found else ""


def ran(name: str, arguments: Sequence[str]) -> Ran:
    """Run a command by its name, as the command line does."""
    module = import_module(f"reconciler.commands.{name}")
    printed, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        command = typer.main.get_command(module.app)
        code: Any = command.main(list(arguments), name, standalone_mode=False)
    return Ran(ExitCode(code or 0), printed.getvalue(), complaints.getvalue())
