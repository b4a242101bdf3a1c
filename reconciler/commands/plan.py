"""`reconciler plan`: what would go, and why."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands.options import (
    Allow,
    PolicyPaths,
    StateDirectory,
    Verbose,
    allowances,
    duration,
    policy_paths,
)
from reconciler.commands.output import AllRows, PlanFormat, print_plan, save, view
from reconciler.commands.running import finish, running
from reconciler.errors import ExitCode
from reconciler.model.plan import Plan
from reconciler.session import open_session, utc_now

app = typer.Typer()


@app.command()
def plan(
    paths: PolicyPaths = None,
    out: Annotated[Path | None, typer.Option(help="Save the plan, for `apply`.")] = None,
    output: PlanFormat = "text",
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 2 when something would go.")
    ] = False,
    state: StateDirectory = None,
    allow: Allow = None,
    expires: Annotated[str, typer.Option(help="How long the plan may be applied.")] = "72h",
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Show what `apply` would delete, and why. Deletes nothing."""
    with running(verbose=verbose):
        lasts, allowed = duration(expires, "--expires"), allowances(allow)
        with open_session(policy_paths(paths), state) as session:
            drawn = session.plan(lasts=lasts, allowed=allowed)
        if out:
            save(out, drawn.to_bytes())
        print_plan(drawn, output, view(utc_now(), all_rows=all_rows))
        finish(_exit_code(drawn, detailed=detailed_exitcode))


def _exit_code(drawn: Plan, *, detailed: bool) -> ExitCode:
    if drawn.outcome is ExitCode.OK and detailed and drawn.summary.delete:
        return ExitCode.CHANGES
    return drawn.outcome
