"""What every command does around its work: set up logging, end with the right exit code."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from reconciler import logs
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.model.display import inert, safe


@contextmanager
def running(*, verbose: bool) -> Iterator[None]:
    """Turn an error of ours into its message, its hint and its exit code."""
    logs.configure(verbose=verbose)
    try:
        yield
    except ReconcilerError as error:
        complain(error)
        raise typer.Exit(error.exit_code) from error


def complain(error: ReconcilerError) -> None:
    """Say on stderr what happened and what to do next."""
    lines = [f"Error: {error}", *([error.hint] if error.hint else [])]
    for line in "\n".join(lines).splitlines():
        typer.echo(inert(safe(line)), err=True)


def finish(code: ExitCode) -> None:
    """End the command with a code."""
    if code is not ExitCode.OK:
        raise typer.Exit(code)
