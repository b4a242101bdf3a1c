"""`reconciler apply`: delete what a plan names."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from reconciler.commands.halting import halting
from reconciler.commands.options import (
    DEFAULT_POLICIES,
    Allow,
    StateDirectory,
    Verbose,
    allowances,
    duration,
)
from reconciler.commands.output import (
    DeletionProgress,
    load_plan,
    print_applied,
    print_plan,
    view,
)
from reconciler.commands.running import finish, running
from reconciler.core.accept import check_applicable
from reconciler.core.guards import Allowances
from reconciler.errors import ExitCode, worst
from reconciler.model.plan import Plan
from reconciler.session import Session, open_session, utc_now

app = typer.Typer(add_completion=False)

_EXPIRY = timedelta(hours=72)


@app.command()
def apply(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A plan saved by `plan --out`, or policy files to plan from first.",
            metavar="PLAN|PATHS",
        ),
    ] = None,
    policies: Annotated[
        list[Path] | None,
        typer.Option(help="Policy files of today, when a saved plan is applied.", metavar="PATH"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    expect_digest: Annotated[
        str, typer.Option(help="Refuse any plan but the one with this digest.", metavar="DIGEST")
    ] = "",
    time_budget: Annotated[
        str | None,
        typer.Option(help="Stop cleanly after this long, as in 50m.", metavar="DURATION"),
    ] = None,
    state: StateDirectory = None,
    allow: Allow = None,
    verbose: Verbose = False,
) -> None:
    """Delete what a plan names and may still go, once, with a log.

    What was planned is an upper bound: the registry and the policies are read again, and that
    can only shorten the work. Asks on a terminal; elsewhere it needs --yes.
    """
    with running(verbose=verbose):
        allowed = allowances(allow)
        budget = duration(time_budget, "--time-budget") if time_budget else None
        saved = _saved(paths)
        files = policies if saved else paths
        with (
            halting(utc_now, budget) as halt,
            open_session(files or [DEFAULT_POLICIES], state, halt.sleep) as session,
        ):
            plan = load_plan(saved) if saved else _planned(session, allowed)
            if saved:
                check_applicable(plan, now=session.clock(), expected=expect_digest)
            _ask(plan, yes=yes)
            with DeletionProgress(plan.summary.delete) as progress:
                done = session.apply(plan, allowed=allowed, halt=halt, report=progress.report)
        print_applied(done, view(utc_now()))
        codes = [plan.outcome, *(applied.exit_code for applied in done)]
        finish(ExitCode.INTERRUPTED if halt.interrupted else worst(codes))


def _saved(paths: list[Path] | None) -> Path | None:
    """Return the saved plan among the arguments, if that is what was given."""
    plans = [path for path in paths or () if path.suffix == ".json"]
    if plans and len(paths or ()) > 1:
        raise typer.BadParameter("give one plan, and its policy files with --policies")
    return plans[0] if plans else None


def _planned(session: Session, allowed: Allowances) -> Plan:
    plan = session.plan(lasts=_EXPIRY, allowed=allowed)
    print_plan(plan, "text", view(session.clock()))
    return plan


def _ask(plan: Plan, *, yes: bool) -> None:
    """Ask a person, who must write the whole word.

    Raises: typer.Exit, when the answer is not `yes`, or nobody can be asked.
    """
    count = plan.summary.delete
    if yes or not count:
        return
    if not sys.stdin.isatty():
        typer.echo("Error: nobody can be asked here; add --yes to delete.", err=True)
        raise typer.Exit(ExitCode.USAGE)
    answer = input(f"Delete {count} versions? Only `yes` will do it: ")
    if answer.strip() != "yes":
        typer.echo("Nothing was deleted.", err=True)
        raise typer.Exit(ExitCode.OK)
