"""Runs another command of ours, for a step that needs what it prints."""

import contextlib
import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.exceptions import TyperException

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
        return text.strip() if found else ""


def ran(name: str, arguments: Sequence[str]) -> Ran:
    """Run a command by its name, as the command line does; its refusals are complaints, too."""
    module = import_module(f"reconciler.commands.{name}")
    printed, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        command = typer.main.get_command(module.app)
        try:
            code: Any = command.main(list(arguments), name, standalone_mode=False)
        except TyperException as error:
            return Ran(ExitCode.USAGE, printed.getvalue(), f"Error: {error.format_message()}\n")
    return Ran(ExitCode(code or 0), printed.getvalue(), complaints.getvalue())
