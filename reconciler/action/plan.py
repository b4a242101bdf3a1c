"""The step `plan`: what would be deleted, as text, Markdown, outputs and a file."""

from dataclasses import replace
from pathlib import Path

from reconciler.action.comment import comment
from reconciler.action.inputs import Inputs
from reconciler.action.runner import PullRequestEvent, Runner, event_of
from reconciler.action.step import Note, StepReport, general_note, notes_on
from reconciler.api import LASTS
from reconciler.commands._console import save, view
from reconciler.commands._stop import halting
from reconciler.errors import ExitCode, GitError, PolicyError
from reconciler.formats import catalogue
from reconciler.formats.view import View
from reconciler.model.plan import Plan
from reconciler.policyfile import Revision, load_revision
from reconciler.session import Session, open_session, utc_now


def plan(inputs: Inputs, runner: Runner) -> StepReport:
    """Plan, save the plan, and report it; that there are changes is no failure unless asked for.

    For a pull request, the plan stands beside the one that its base would have given.

    Raises: ReconcilerError, when there is nothing to report.
    """
    request = event_of(runner.event_file).pull_request
    base, notes = _base(inputs.files, request)
    with (
        halting(utc_now, inputs.time_budget) as halt,
        open_session(inputs.files, None, sleep=halt.sleep) as session,
    ):
        drawn, seen = draw(session, base)
        notes += notes_on(drawn, session.policies)
    path = inputs.plan or runner.plan_file
    save(path, drawn.to_bytes())
    if inputs.comment:
        notes += comment(drawn, seen.against, request, runner)
    return StepReport(
        code=_code(drawn, fail_on_changes=inputs.fail_on_changes),
        outputs={**outputs_of(drawn), "plan-path": str(path)},
        text=catalogue.render(drawn, "text", seen),
        summary=catalogue.render(drawn, "markdown", seen),
        notes=notes,
    )


def draw(session: Session, base: Revision | None = None) -> tuple[Plan, View]:
    """Draw a plan, and describe who will read it, what applying it takes, what `base` differs."""
    drawn, difference = session.compare(base, lasts=LASTS)
    cost = session.cost(drawn) if drawn.summary.delete else None
    return drawn, view(utc_now(), cost=cost, against=difference)


def outputs_of(drawn: Plan) -> dict[str, str]:
    """Return what later steps may want to know of a plan."""
    count = drawn.summary.delete
    return {
        "changes": "true" if count else "false",
        "to-delete": str(count),
        "plan-digest": drawn.digest,
    }


def _base(
    files: list[Path], request: PullRequestEvent | None
) -> tuple[Revision | None, tuple[Note, ...]]:
    """Return the policies that a pull request changes; where they cannot be had, say why."""
    if request is None or not request.base.sha:
        return None, ()
    try:
        base = load_revision(files, request.base.sha)
        return replace(base, reference=request.base.ref or base.reference), ()
    except (GitError, PolicyError) as error:
        cure = "Check out with `fetch-depth: 0` to see what this pull request itself changes."
        return None, (general_note("notice", f"{error}\n{cure}"),)


def _code(drawn: Plan, *, fail_on_changes: bool) -> ExitCode:
    if drawn.outcome is ExitCode.OK and fail_on_changes and drawn.summary.delete:
        return ExitCode.CHANGES
    return drawn.outcome
