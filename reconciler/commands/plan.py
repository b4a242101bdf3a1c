"""`reconciler plan`: show what would be deleted, and why."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import finish, print_plan, running, save, view
from reconciler.commands._options import (
    Allow,
    AllRows,
    PlanFormat,
    PolicyPaths,
    RetryRetained,
    StateDirectory,
    Verbose,
    allowances,
    duration,
    policy_paths,
    refuse,
)
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.model.plan import DeletionPlan

app = typer.Typer(add_completion=False)


Out = Annotated[
    Path | None, typer.Option(help="Save the plan to a file for `apply`.", metavar="FILE")
]
DetailedExitCode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit with 2 when something would be deleted.")
]
Expires = Annotated[
    str | None,
    typer.Option(help="How long the plan can be applied. Default: 72h", metavar="DURATION"),
]
At = Annotated[
    datetime | None,
    typer.Option(
        help="Forecast: evaluate the policies as of this time, in UTC.",
        metavar="TIME",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        help="Also show the difference to the plan by the policies of this git revision.",
        metavar="REVISION",
    ),
]
AgainstJson = Annotated[
    Path | None,
    typer.Option(
        "--against-json",
        help="Save that difference to a file for `comment --against-json`.",
        metavar="FILE",
    ),
]


@app.command()
def plan(
    paths: PolicyPaths = None,
    out: Out = None,
    output: PlanFormat = "text",
    detailed_exitcode: DetailedExitCode = False,
    state: StateDirectory = None,
    allow: Allow = None,
    retry_retained: RetryRetained = False,
    expires: Expires = None,
    at: At = None,
    against: Against = None,
    against_json: AgainstJson = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Show what `apply` would delete, and why. Deletes nothing."""
    from reconciler.api import LASTS
    from reconciler.commands._progress import Activity
    from reconciler.core.narrow import MAX_LIFE
    from reconciler.policyfile import load_revision
    from reconciler.session import open_session, utc_now

    with running(verbose=verbose):
        if not against:
            refuse({"--against-json": against_json}, "requires --against")
        lasts = duration(expires, "--expires") if expires else LASTS
        allowed = allowances(allow)
        # `apply` refuses a plan that claims to live longer, so it is refused here already.
        if lasts > MAX_LIFE:
            raise typer.BadParameter(
                f"a plan can be applied for at most {MAX_LIFE.days}d", param_hint="--expires"
            )
        # Typer parses times without a time zone.
        files, moment = policy_paths(paths), at.replace(tzinfo=UTC) if at else None
        # Loaded before the registry is read, so that a wrong revision fails at once.
        base = load_revision(files, against) if against else None
        with (
            open_session(files, state, retry_refused=retry_retained) as session,
            Activity(session.registries.watch),
        ):
            drawn, difference = session.compare(base, lasts=lasts, at=moment, allowed=allowed)
            cost = session.cost(drawn) if drawn.summary.delete else None
        if out:
            save(out, drawn.chunks())
        if against_json and difference:
            save(against_json, [difference.to_bytes()])
        display = view(utc_now(), all_rows=all_rows, cost=cost, against=difference)
        print_plan(drawn, output, display)
        finish(exit_code_of(drawn, detailed=detailed_exitcode))


def exit_code_of(plan: "DeletionPlan", *, detailed: bool) -> ExitCode:
    """Return the exit code of a plan; with `detailed`, planned deletions have a code of their own.

    A plan that is incomplete or stopped by a guard keeps its code: that outranks changes.
    """
    if plan.outcome is ExitCode.OK and detailed and plan.summary.delete:
        return ExitCode.CHANGES
    return plan.outcome
