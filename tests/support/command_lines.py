"""Command lines that are parsed and not run."""

from collections.abc import Sequence
from typing import Any

import typer

from reconciler.commands._group import app


def parsed(arguments: Sequence[str]) -> Any:
    """Parse a command line as the program does, and return the context of its command.

    Raises: TyperException, when the program would not accept it.
    """
    group: Any = typer.main.get_command(app)
    context = group.make_context("reconciler", list(arguments))
    rest = [*getattr(context, "_protected_args", ()), *context.args]
    while hasattr(group, "resolve_command"):
        name, group, rest = group.resolve_command(context, rest)
        context = group.make_context(name, rest, parent=context)
        rest = [*getattr(context, "_protected_args", ()), *context.args]
    return context
