"""The step `plan`: report what would be deleted as text, Markdown and outputs; save the plan."""

from dataclasses import replace
from pathlib import Path

from reconciler.action.comment import comment
from reconciler.action.inputs import Inputs
from reconciler.action.inspect import validate
from reconciler.action.runner import PullRequestEvent, Runner, event_of
from reconciler.action.step import Note, StepReport, general_note, notes_on
from reconciler.api import LASTS
from reconciler.commands._console import save, view
from reconciler.commands._stop import halting
from reconciler.commands.plan import exit_code_of
from reconciler.errors import ExitCode, GitError, PolicyError
from reconciler.formats import catalogue
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan
from reconciler.policyfile import Revision, load_revision
from reconciler.session import Session, open_session, utc_now


def plan(inputs: Inputs, runner: Runner) -> StepReport:
    """Plan, save the plan and report it. Changes fail the step only with `fail-on-changes`.

    For a pull request, the tests of policies run first, and a plan is made only if they pass; then
    the difference to the plan of its base branch is reported, too.

    Raises: ReconcilerError, when no plan could be made.
    """
    request = event_of(runner.event_file).pull_request
    if request and (checked := validate(inputs)).code is not ExitCode.OK:
        return checked
    base, notes = _base(inputs.files, request)
    with (
        halting(utc_now, inputs.time_budget) as halt,
        open_session(inputs.files, None, sleep=halt.sleep) as session,
    ):
        drawn, display = make_plan(session, base)
        notes += notes_on(drawn, session.policies)
    path = inputs.plan or runner.plan_file
    save(path, drawn.chunks())
    if inputs.comment:
        notes += comment(drawn, display.against, request, runner)
    return StepReport(
        code=exit_code_of(drawn, detailed=inputs.fail_on_changes),
        outputs={**outputs_of(drawn), "plan-path": str(path)},
        text=catalogue.render(drawn, "text", display),
        summary=catalogue.render(drawn, "markdown", display),
        notes=notes,
    )


def make_plan(session: Session, base: Revision | None = None) -> tuple[DeletionPlan, View]:
    """Make a plan, and what its reports need: its cost, and the difference to `base`."""
    plan, difference = session.compare(base, lasts=LASTS)
    cost = session.cost(plan) if plan.summary.delete else None
    return plan, view(utc_now(), cost=cost, against=difference)


def outputs_of(plan: DeletionPlan) -> dict[str, str]:
    """Return the outputs that describe a plan."""
    count = plan.summary.delete
    return {
        "changes": "true" if count else "false",
        "to-delete": str(count),
        "plan-digest": plan.digest,
    }


def _base(
    files: list[Path], request: PullRequestEvent | None
) -> tuple[Revision | None, tuple[Note, ...]]:
    """Load the policies of the base of a pull request, or note why they cannot be loaded."""
    # Only a pull request has a base to compare with.
    if request is None or not request.base.sha:
        return None, ()
    try:
        base = load_revision(files, request.base.sha)
        # Reports name the branch rather than its commit.
        return replace(base, reference=request.base.ref or base.reference), ()
    except (GitError, PolicyError) as error:
        cure = "Check out with `fetch-depth: 0` to see what this pull request itself changes."
        return None, (general_note("notice", f"{error}\n{cure}"),)
