"""`reconciler apply`: delete what a plan lists, or restore what an undo plan lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.commands._console import (
    finish,
    load_plan,
    print_applied,
    print_plan,
    running,
    view,
)
from reconciler.commands._next import options, suggest
from reconciler.commands._options import (
    Allow,
    Only,
    RetryRetained,
    StateDirectory,
    Verbose,
    allowances,
    duration,
    policy_paths,
    refuse,
)
from reconciler.errors import ExitCode, InvalidNameError, PlanError, worst

if TYPE_CHECKING:
    from reconciler.commands._stop import Halt
    from reconciler.core.planner import RaisedLimits
    from reconciler.model.names import Repository
    from reconciler.model.plan import DeletionPlan, Plan
    from reconciler.model.results import Applied
    from reconciler.session import Session

app = typer.Typer(add_completion=False)

Sources = Annotated[
    list[Path] | None,
    typer.Argument(
        help="A plan saved with --out, or policy files to plan from first.",
        metavar="PLAN|PATHS",
    ),
]
Policies = Annotated[
    list[Path] | None,
    typer.Option(
        help="Current policy files for a saved plan. Default: those it was made from.",
        metavar="PATH",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
ExpectDigest = Annotated[
    str, typer.Option(help="Refuse any other plan than the one with this digest.", metavar="DIGEST")
]
TimeBudget = Annotated[
    str | None,
    typer.Option(help="Stop cleanly after this time, for example 50m.", metavar="DURATION"),
]
MaxDeletes = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Start no further image after this many deletions, and stop cleanly.",
        metavar="N",
    ),
]


@app.command()
def apply(
    sources: Sources = None,
    policies: Policies = None,
    yes: Yes = False,
    expect_digest: ExpectDigest = "",
    time_budget: TimeBudget = None,
    max_deletes: MaxDeletes = None,
    only: Only = None,
    state: StateDirectory = None,
    allow: Allow = None,
    retry_retained: RetryRetained = False,
    verbose: Verbose = False,
) -> None:
    """Delete what a plan lists, after checking it again, with a log.

    The plan is an upper bound: the registry and the policies are read again, and an image that
    must be kept now is not deleted. Asks for confirmation on a terminal; elsewhere it needs --yes.
    """
    from reconciler.commands._approval import ask_about
    from reconciler.commands._stop import halting
    from reconciler.commands._targets import narrowed
    from reconciler.commands.undo import restore_saved
    from reconciler.core.narrow import accepted_limits
    from reconciler.model.plan import RestorePlan
    from reconciler.session import open_session, utc_now

    with running(verbose=verbose):
        allowed = allowances(allow)
        budget = duration(time_budget, "--time-budget") if time_budget else None
        accepted = _saved_plan(sources or [], expect_digest)
        # What a plan restores is decided by the journal, so options about policies and limits of
        # deletion would have no effect.
        if isinstance(accepted, RestorePlan):
            given = {"--policies": policies, "--max-deletes": max_deletes, "--only": only}
            given |= {"--allow": allow, "--retry-retained": retry_retained}
            refuse(given, "cannot be used with a plan that restores")
            restore_saved(accepted, state, budget, yes=yes)
            return
        if accepted:
            # A raised limit counts only if it is given again, or covered by the expected digest.
            allowed = accepted_limits(accepted, allowed=allowed, expected=expect_digest)
            files = policies or _policies_of(accepted)
        else:
            files = policy_paths(sources)
        scope = _part_of(accepted, only or ()) if accepted else ()
        with (
            halting(utc_now, budget, max_deletes) as halt,
            open_session(
                files, state, only=scope, retry_refused=retry_retained, sleep=halt.sleep
            ) as opened,
        ):
            session = opened if accepted else narrowed(opened, only)
            plan = _displayed(accepted, session, allowed)
            ask_about(plan, session, saved=accepted is not None, yes=yes)
            done, code = _carry_out(plan, session, allowed, halt)
        place = options({"--state": state})
        again: dict[str, object] = {"--policies": policies, "--only": only, "--allow": allow}
        again |= {"--expect-digest": expect_digest, "--time-budget": time_budget}
        again |= {"--max-deletes": max_deletes, "--retry-retained": retry_retained}
        print_applied(done, view(utc_now()), place)
        _suggest(done, [*(sources or ()), *options(again), *place], place)
        finish(code)


def _carry_out(
    plan: "DeletionPlan", session: "Session", allowed: "RaisedLimits", halt: "Halt"
) -> tuple[Sequence["Applied"], ExitCode]:
    """Apply a plan, and return what was done, and the exit code."""
    from reconciler.commands._progress import Activity

    with Activity(session.registries.watch, "Deleting", plan.summary.delete) as progress:
        watching = (halt.note, progress.report)
        # A number of deletions that must not be exceeded is counted one by one.
        at_once = None if halt.remaining is None else 1
        done = session.apply(plan, allowed=allowed, halt=halt, watching=watching, at_once=at_once)
    # A plan with an incomplete repository keeps its code, even if every deletion succeeded.
    codes = [plan.outcome, *(applied.exit_code for applied in done)]
    return done, ExitCode.INTERRUPTED if halt.interrupted else worst(codes)


def _suggest(done: Sequence["Applied"], again: Sequence[object], place: Sequence[str]) -> None:
    """Print how to go on where something remains, else where to read what was done.

    Shape: `again` are the arguments that were given, `place` those for the state.
    """
    from reconciler.formats.applied import remaining

    run = next((part.run for part in done if part.outcomes), "")
    if remaining(done):
        suggest("apply", *again, why="goes on with what remains")
    elif run:
        suggest("log", "show", run, *place, why="what was deleted, and why")


def _saved_plan(paths: list[Path], expected: str) -> "Plan | None":
    """Load and check the saved plan if the arguments name one.

    Raises: typer.BadParameter, when there are other arguments; PlanError, when the plan cannot be
        applied now, or has another digest than expected.
    """
    from reconciler.core.narrow import check_applicable
    from reconciler.session import utc_now

    # Policy files are YAML, so the suffix identifies a saved plan.
    plans = [path for path in paths if path.suffix == ".json"]
    if plans and len(paths) > 1:
        raise typer.BadParameter("name one plan, and its policy files with --policies")
    if not plans:
        refuse({"--expect-digest": expected}, "requires a saved plan")
        return None
    plan = load_plan(plans[0])
    # Before the registry is contacted: an expired or exchanged plan needs no requests.
    check_applicable(plan, now=utc_now(), expected=expected)
    return plan


def _part_of(plan: "DeletionPlan", texts: Sequence[str]) -> Sequence["Repository"]:
    """Return the repositories of a plan that names or patterns match.

    Raises: typer.BadParameter, when one is malformed, or matches none of the plan.
    """
    from reconciler.model.patterns import RepositoryGlob

    chosen: list[Repository] = []
    for text in texts:
        try:
            glob = RepositoryGlob(text)
        except InvalidNameError as error:
            raise typer.BadParameter(str(error), param_hint="--only") from error
        repositories = [part.repository for part in plan.repositories]
        matched = list(filter(glob.matches, repositories))
        if not matched:
            raise typer.BadParameter(
                f"{text} is not in the plan, which is about {', '.join(repositories)[:200]}",
                param_hint="--only",
            )
        chosen += matched
    return chosen


def _policies_of(plan: "DeletionPlan") -> list[Path]:
    """Return the policy files that a plan was made from; plans of old releases do not record them.

    A plan is not trusted with paths: only policies below the folder of the project are accepted.

    Raises: PlanError, when they are outside of it or do not exist.
    """
    from reconciler.project import find_project

    files = [Path(path) for path in plan.policy_paths]
    project = find_project(Path.cwd())
    for path in files:
        if path.is_absolute() or not project.contains(path):
            raise PlanError(
                f"the plan was made from {path}, which is not below the current folder or"
                " the project of it",
                hint=f"To apply it under these policies, add --policies {path}",
            )
        if not path.exists():
            raise PlanError(
                f"the plan was made from {path}, which does not exist here",
                hint="Run `apply` where the plan was made, or name the policies with --policies.",
            )
    return files or list(project.policies)


def _displayed(
    accepted: "DeletionPlan | None", session: "Session", allowed: "RaisedLimits"
) -> "DeletionPlan":
    """Return the saved plan, after printing which policies changed since; else make and print one.

    A saved plan is not printed again: `plan` or `show` prints it for review.
    """
    from reconciler.api import LASTS
    from reconciler.commands._progress import Activity
    from reconciler.core.narrow import changed_sources

    if accepted:
        if changed := changed_sources(accepted, session.policies.sources):
            typer.echo(
                f"Changed since the plan was made: {', '.join(changed)}. Only what both the plan"
                " and the current policies delete is deleted.",
                err=True,
            )
        return accepted
    with Activity(session.registries.watch):
        plan = session.plan(lasts=LASTS, allowed=allowed)
    cost = session.cost(plan) if plan.summary.delete else None
    print_plan(plan, "text", view(session.clock(), cost=cost))
    return plan
