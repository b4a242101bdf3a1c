"""`reconciler check`: scheduled health check of state, registries and images."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reconciler.commands._console import finish, running, view
from reconciler.commands._options import (
    AllRows,
    PolicyPaths,
    StateDirectory,
    Verbose,
    duration,
    policy_paths,
)
from reconciler.errors import ExitCode, worst

if TYPE_CHECKING:
    from reconciler.analysis.health import HealthResult, Thresholds
    from reconciler.model.ports import Holder

app = typer.Typer(add_completion=False)

_SPAN = "DURATION"

Overdue = Annotated[
    str, typer.Option(help="How long images may be due for deletion.", metavar=_SPAN)
]
LastApply = Annotated[
    str,
    typer.Option(
        help="How old the last successful apply may be while deletions are due.",
        metavar=_SPAN,
    ),
]
Lock = Annotated[str, typer.Option(help="How long a run may hold a lock.", metavar=_SPAN)]
Undo = Annotated[
    str,
    typer.Option(help="Report deletions that can be restored for less than this.", metavar=_SPAN),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Also exit with 2 for deletions that cannot be restored much longer."
    ),
]
Output = Annotated[
    Literal["text", "json", "markdown", "html"], typer.Option("--format", help="The output format.")
]


@app.command()
def check(
    paths: PolicyPaths = None,
    state: StateDirectory = None,
    overdue: Overdue = "7d",
    last_apply: LastApply = "48h",
    lock: Lock = "6h",
    undo: Undo = "3d",
    strict: Strict = False,
    output: Output = "text",
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Check for overdue images, interrupted runs, stale locks and broken images.

    Deletes nothing. Exits with 0 if there is no finding, 2 if there is one, and 6 if a repository
    cannot be read completely. Deletions that soon can no longer be restored are reported, but
    count as a finding only with --strict.
    """
    from reconciler.analysis.health import Thresholds
    from reconciler.formats.health import FORMATS
    from reconciler.session import utc_now

    with running(verbose=verbose):
        results = check_health(
            policy_paths(paths),
            state,
            Thresholds(
                overdue=duration(overdue, "--overdue"),
                last_apply=duration(last_apply, "--last-apply"),
                lock=duration(lock, "--lock"),
                undo=duration(undo, "--undo"),
            ),
        )
        typer.echo(FORMATS[output](results, view(utc_now(), all_rows=all_rows)), nl=False)
        has_findings = any(result.findings for result in results)
        codes = [result.exit_code for result in results]
        finish(worst([*codes, ExitCode.CHANGES if strict and has_findings else ExitCode.OK]))


def check_health(
    paths: list[Path], state: str | None, thresholds: "Thresholds"
) -> tuple["HealthResult", ...]:
    """Check every repository that policies govern or that the state knows.

    Raises: PolicyError, SettingsError.
    """
    from reconciler.commands._progress import Activity
    from reconciler.session import open_session

    with open_session(paths, state) as session, Activity(session.registries.watch):
        return session.check(thresholds, has_ended)


def has_ended(holder: "Holder") -> bool:
    """Whether a lock's holder was a process of this machine that no longer runs."""
    # The id of a process means nothing on another machine.
    if holder.where != socket.gethostname() or not holder.process:
        return False
    try:
        # Signal 0 only checks whether the process exists. Source: kill(2).
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        # The process exists; it belongs to another user.
        return False
    return False
