"""Ask a person before something is changed."""

import sys

import typer

from reconciler.errors import ExitCode


def ask(question: str, *, yes: bool, refused: str) -> None:
    """Ask a question to which only the whole word `yes` agrees; `yes` answers it beforehand.

    Raises: typer.Exit, when the answer is another one, or nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        typer.echo("Error: nobody can be asked here; add --yes.", err=True)
        raise typer.Exit(ExitCode.USAGE)
    typer.echo(f"{question} Only `yes` will do it: ", nl=False, err=True)
    if input().strip() != "yes":
        typer.echo(refused, err=True)
        raise typer.Exit(ExitCode.OK)
