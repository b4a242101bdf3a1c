"""The group of all commands. Each is loaded when it is called, so that help stays fast."""

import os
from collections.abc import Sequence
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from reconciler.commands._console import colours
from reconciler.commands._next import QUIET
from reconciler.commands._overview import COMMANDS, OPTIONS, SUMMARY, overview
from reconciler.errors import ExitCode
from reconciler.version import __version__

_MODULES = {"action": "reconciler.action.main"}
"""Commands whose module is not in `commands`."""


class LazyCommands(TyperGroup):
    """A group that lists its commands by name and loads the one that is called."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options that belong to no command."""
        return _without_conversion(super().get_params(ctx), ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is given
        """Write the text that `--help` has without this group."""
        formatter.write(overview(formatter.width))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by name, and import its module in place of the placeholder."""
        name, command, rest = super().resolve_command(ctx, args)
        if name in COMMANDS:
            # Importing all commands takes much longer than `--help` may take.
            module = import_module(_MODULES.get(name, f"reconciler.commands.{name}"))
            command = typer.main.get_command(module.app)
            _simplify(command, ctx)
        return name, command, rest


def _simplify(command: Any, ctx: Any) -> None:
    """Show help as plain text, with the lines of a paragraph joined for the terminal to wrap."""
    # Importing what draws boxes takes four times as long as the rest of `--help`.
    command.rich_markup_mode = None
    inner = getattr(command, "commands", {}).values()
    if not inner:
        command.params += typer.main.get_command(_shared).params
    _without_conversion(command.get_params(ctx), ctx)
    paragraphs = [" ".join(text.split()) for text in cleandoc(command.help or "").split("\n\n")]
    command.help = "\n\n".join(paragraphs)
    # Otherwise a list of commands has the first sentence only, cut off where the line ends.
    command.short_help = paragraphs[0]
    for each in inner:
        _simplify(each, ctx)


def _without_conversion(params: list[Any], ctx: Any) -> list[Any]:
    """Leave values as they are where a command is not run: to convert one, typer imports pydantic.

    A flag that is not given is off. Completion needs no values.
    """
    for param in params:
        if getattr(param, "is_flag", False) and param.default is None:
            param.default = False
        if ctx.resilient_parsing:
            param.process_value = lambda _, value: value
    return params


def _choose_log_format(chosen: str | None) -> None:
    # The log is set up later, and reads the variable where there is no command line, too.
    if chosen:
        os.environ["RECONCILER_LOG_FORMAT"] = chosen


def _silence(wanted: bool) -> None:
    if wanted:
        os.environ[QUIET] = "1"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"reconciler {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=SUMMARY,
    # Commands inherit them.
    context_settings={"help_option_names": ["-h", "--help"]},
)

_shared = typer.Typer(add_completion=False)


@_shared.command()
def share(
    log_format: Annotated[
        Literal["text", "json"] | None,
        typer.Option(
            help="How the log on stderr is written. Default: text",
            envvar="RECONCILER_LOG_FORMAT",
            callback=_choose_log_format,
            expose_value=False,
            show_envvar=False,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="Do not print what to do next; so it is in CI.",
            callback=_silence,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Hold the options that every command has and none reads itself."""


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback takes it
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help=OPTIONS["--version"]),
    ] = False,
) -> None:
    """Accept the options that belong to no command."""
    # The library asks only whether stdout is a terminal. Commands inherit it.
    context.color = colours()


for _name, _text in COMMANDS.items():
    app.command(_name, short_help=_text)(lambda: None)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; usage errors are 64, not click's 2."""
    try:
        command = typer.main.get_command(app)
        code = command.main(list(arguments), "reconciler", standalone_mode=False)
    except TyperException as error:
        context: Any = getattr(error, "ctx", None)
        # A group without a command is a question, and its help the answer.
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message())
            return ExitCode.OK
        typer.echo(f"Error: {error.format_message()}", err=True)
        path = context.command_path if context else "reconciler"
        typer.echo(f"See `{path} --help`.", err=True)
        # Click would exit with 2, which is our code for changes.
        return ExitCode.USAGE
    except typer.Abort:
        return ExitCode.INTERRUPTED
    return code if isinstance(code, int) else ExitCode.OK
