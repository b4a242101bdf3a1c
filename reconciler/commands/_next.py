"""What to do next, which every command prints at its end for people, and never for machines."""

import os
import shlex
from collections.abc import Mapping

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


def options(given: Mapping[str, object]) -> list[str]:
    """Write options as they were given: a list repeats its option; those not given are left out."""
    written: list[str] = []
    for option, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            if each is True:
                written.append(option)
            elif each not in (None, False, ""):
                written += [option, str(each)]
    return written


def command(*arguments: object) -> str:
    """Write a command of this program for a shell."""
    return shlex.join(["reconciler", *map(str, arguments)])
