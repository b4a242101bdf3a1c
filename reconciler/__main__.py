"""The command line. Each command is loaded when it is called, so that `--help` stays fast."""

import sys
from collections.abc import Sequence
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from reconciler.errors import ExitCode
from reconciler.version import __version__

COMMANDS = {
    "init": "Write a first policy, its test, and the workflow that uses them.",
    "plan": "Show what `apply` would delete, and why. Deletes nothing.",
    "apply": "Delete what a plan names, safely, once, with a log.",
    "show": "Show a saved plan. Contacts nothing.",
    "validate": "Check policy files. Contacts nothing.",
    "test": "Run the tests of policies. Contacts nothing.",
    "explain": "Say what a version is, what keeps it, and when it goes.",
    "check": "Look for what needs somebody: overdue work, dead runs, broken images.",
    "usage": "Say what repositories take, and what a plan would free.",
    "verify": "Look whether every tagged image is whole.",
    "diagnose": "Say why versions are there, what needs them, and what makes more.",
    "schema": "Print the JSON Schema of policy files, for editors.",
    "undo": "Bring back what a run deleted, and hold it.",
    "log": "List runs, show what they did, tell why something went, verify the journal.",
    "lock": "Say who holds locks; break the lock of a run that hangs.",
    "state": "Begin the state at a place; look after it, move it, export it.",
    "demo": "Play the whole cycle on a made-up package, on this machine alone.",
    "comment": "Show a saved plan in one comment of a pull request.",
    "action": "Run as a step of a GitHub workflow; action.yml calls it.",
    "snapshot": "Copy repositories into a file that `sandbox` serves, to rehearse on.",
    "sandbox": "Serve a stand-in for GitHub Packages and ghcr.io, to rehearse on.",
}
"""Each command and its one line in `--help`; its module in `commands` has the same name."""

_MODULES = {"action": "reconciler.action.main"}
"""Modules of commands that are elsewhere."""


class LazyCommands(TyperGroup):
    """A group that lists its commands by name and loads the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by name, then load the real one."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            module = import_module(_MODULES.get(name, f"reconciler.commands.{name}"))
            command = typer.main.get_command(module.app)
            _unwrap(command)
        return name, command, rest


def _unwrap(command: Any) -> None:
    """Let the lines of its help be broken by the terminal, and not where the source broke them."""
    paragraphs = cleandoc(command.help or "").split("\n\n")
    command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    for inner in getattr(command, "commands", {}).values():
        _unwrap(inner)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Declarative retention for container registries: policy in, plan, apply, log.",
)


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Hold the options of no command in particular."""


for _name, _text in COMMANDS.items():
    app.command(_name, help=_text)(lambda: None)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; usage errors are 64, not click's 2."""
    try:
        command = typer.main.get_command(app)
        code = command.main(list(arguments), "reconciler", standalone_mode=False)
    except TyperException as error:
        typer.echo(f"Error: {error.format_message()}", err=True)
        typer.echo("See `reconciler --help`.", err=True)
        return ExitCode.USAGE
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return code if isinstance(code, int) else ExitCode.OK


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
