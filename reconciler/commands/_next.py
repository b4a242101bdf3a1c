"""What to do next, which every command prints at its end for people, and never for machines."""

import os
import shlex

import typer

QUIET = "RECONCILER_QUIET"
"""The variable that `--quiet` sets."""


def is_quiet() -> bool:
    """Whether nobody reads what to do next: with `--quiet`, and in CI."""
    flags = (os.environ.get(name, "").lower() for name in (QUIET, "CI", "GITHUB_ACTIONS"))
    return any(flag not in ("", "0", "false") for flag in flags)


def suggest(*arguments: object, why: str = "", lead: str = "Next:") -> None:
    """Print on stderr a command that can be typed as it stands, and what it is for."""
    if not is_quiet():
        typer.echo(f"{lead} {command(*arguments)}{f'  ({why})' if why else ''}", err=True)


def command(*arguments: object) -> str:
    """Write a command of this program for a shell."""
    return shlex.join(["reconciler", *map(str, arguments)])
