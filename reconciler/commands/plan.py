"""`reconciler plan`: show what would be deleted, and why."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import finish, print_plan, running, save, view
from reconciler.commands._next import options, suggest
from reconciler.commands._options import (
    Allow,
    AllRows,
    Only,
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
First = Annotated[
    bool,
    typer.Option(
        "--first",
        help="Allow the first clean-up: raise the limits on deletions to what it needs, for this"
        " plan only, where no run deleted before. Requires --out.",
    ),
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
    first: First = False,
    only: Only = None,
    retry_retained: RetryRetained = False,
    expires: Expires = None,
    at: At = None,
    against: Against = None,
    against_json: AgainstJson = None,
    all_rows: AllRows = False,
    verbose: Verbose = False,
) -> None:
    """Show what `apply` would delete, and why. Deletes nothing."""
    from reconciler.commands._progress import Activity
    from reconciler.commands._targets import narrowed
    from reconciler.core.first import first_plan
    from reconciler.policyfile import load_revision
    from reconciler.session import open_session, utc_now

    with running(verbose=verbose):
        if not against:
            refuse({"--against-json": against_json}, "requires --against")
        if not out:
            refuse({"--first": first}, "requires --out: what it allows is allowed once")
        lasts, allowed = _lasting(expires), allowances(allow)
        # Typer parses times without a time zone.
        files, moment = policy_paths(paths), at.replace(tzinfo=UTC) if at else None
        # Loaded before the registry is read, so that a wrong revision fails at once.
        base = load_revision(files, against) if against else None
        with (
            open_session(files, state, retry_refused=retry_retained) as opened,
            Activity(opened.registries.watch),
        ):
            session = narrowed(opened, only)
            drawn, difference = session.compare(base, lasts=lasts, at=moment, allowed=allowed)
            if first:
                drawn = first_plan(drawn)
                # It names the plan that it belongs to.
                difference = difference and difference.model_copy(update={"plan": drawn.digest})
            cost = session.cost(drawn) if drawn.summary.delete else None
        if out:
            save(out, drawn.chunks())
        if against_json and difference:
            save(against_json, [difference.to_bytes()])
        display = view(utc_now(), all_rows=all_rows, cost=cost, against=difference)
        print_plan(drawn, output, display)
        given = {"--state": state, "--only": only, "--allow": allow, "--expires": expires}
        scope = options({**given, "--retry-retained": retry_retained})
        _suggest(
            drawn,
            [*(paths or ()), *scope],
            options({"--state": state, "--retry-retained": retry_retained}),
            out,
        )
        finish(exit_code_of(drawn, detailed=detailed_exitcode))


def _lasting(expires: str | None) -> timedelta:
    """Return for how long a plan can be applied.

    Raises: typer.BadParameter, for longer than `apply` accepts.
    """
    from reconciler.api import LASTS
    from reconciler.core.narrow import MAX_LIFE

    lasts = duration(expires, "--expires") if expires else LASTS
    if lasts > MAX_LIFE:
        raise typer.BadParameter(
            f"a plan can be applied for at most {MAX_LIFE.days}d", param_hint="--expires"
        )
    return lasts


def _suggest(
    plan: "DeletionPlan", scope: Sequence[object], again: Sequence[object], out: Path | None
) -> None:
    """Print how to apply a plan, how to save it, or how to go on where a guard stops it.

    Shape: `scope` are the arguments that say what is planned, `again` those that applying needs.
    """
    from reconciler.core.planner import raised_limits

    file = out or Path("plan.json")
    stops = [guard.override for part in plan.repositories for guard in part.guards if not guard.ok]
    if plan.forecast or not plan.summary.delete:
        return
    if stops:
        allow = [word for stop in stops for word in stop.split()]
        suggest("plan", *scope, *allow, "--out", file, why="allows this once, if it is right")
        if any(part.stopped and not part.state for part in plan.repositories):
            suggest("plan", *scope, "--first", "--out", file, why="the first clean-up", lead="Or:")
    elif plan.outcome is ExitCode.OK and out is None:
        suggest("plan", *scope, "--out", file, why="saves the plan, for `apply`")
    elif plan.outcome is ExitCode.OK:
        raised = any(True for part in plan.repositories for _ in raised_limits(part))
        digest = ["--expect-digest", plan.digest] if raised else []
        why = "asks before it deletes" if not raised else "the digest approves the raised limits"
        suggest("apply", file, *again, *digest, why=why)


def exit_code_of(plan: "DeletionPlan", *, detailed: bool) -> ExitCode:
    """Return the exit code of a plan; with `detailed`, planned deletions have a code of their own.

    A plan that is incomplete or stopped by a guard keeps its code: that outranks changes.
    """
    if plan.outcome is ExitCode.OK and detailed and plan.summary.delete:
        return ExitCode.CHANGES
    return plan.outcome
