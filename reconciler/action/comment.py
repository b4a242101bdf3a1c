"""The comment on a pull request: written by the step `plan`, or later by the step `comment`."""

from pathlib import Path

import typer

from reconciler.action.runner import PullRequestEvent, Runner, WorkflowRun, event_of
from reconciler.action.step import Note, StepReport, failed, general_note, text_of
from reconciler.commands._publish import CommentTarget, deletion_plan, github_client, publish
from reconciler.errors import ReconcilerError, SettingsError
from reconciler.github.pulls import Head, open_pull_request
from reconciler.model.comparison import Difference
from reconciler.model.plan import DeletionPlan
from reconciler.settings import Settings

NO_REQUEST = "There is no pull request to comment on, so the plan is only on this page."
FROM_FORK = (
    "This pull request comes from a fork, and GitHub gives workflows of forks a read-only token;"
    " so the plan is on this page, and not in a comment. docs/github-actions.md shows a second"
    " workflow, on `workflow_run`, that writes the comment from the saved plan."
)
MOVED_ON = "The pull request of that run was closed, or has new commits: no comment is written."


def comment(
    plan: DeletionPlan,
    difference: Difference | None,
    request: PullRequestEvent | None,
    runner: Runner,
) -> tuple[Note, ...]:
    """Write the comment that shows a plan, or note why there is none.

    A comment that cannot be written does not fail the step, whose result is the plan.
    """
    if request is None:
        return (general_note("notice", NO_REQUEST),)
    if request.is_from_fork:
        return (general_note("notice", FROM_FORK),)
    try:
        target, link = CommentTarget(request.number), runner.page_of(runner.run_id)
        publish(target, plan, difference, link=link)
    except (ReconcilerError, typer.BadParameter) as error:
        cure = "Give the job `permissions: pull-requests: write`. The plan is on this page."
        return (general_note("warning", f"The comment was not written. {text_of(error)}\n{cure}"),)
    return ()


def comment_on(path: Path, runner: Runner) -> StepReport:
    """Write the comment from a saved plan, on the pull request of the event.

    The plan never names the pull request: a plan from a fork was written by its author.

    Raises: SettingsError, for an event without a pull request; AccessError; EvidenceError.
    """
    event = event_of(runner.event_file)
    # A `workflow_run` event has no pull request from a fork, so GitHub is asked for it.
    if event.workflow_run:
        number, run = _number(event.workflow_run, runner), str(event.workflow_run.id)
    elif event.pull_request:
        number, run = event.pull_request.number, runner.run_id
    else:
        raise SettingsError(NO_REQUEST, hint="Run it on `pull_request` or `workflow_run`.")
    if number is None:
        return StepReport(notes=[general_note("notice", MOVED_ON)])
    try:
        plan = deletion_plan(path)
        written = publish(CommentTarget(number), plan, None, link=runner.page_of(run))
    except (ReconcilerError, typer.BadParameter) as error:
        return failed(error)
    return StepReport(text="".join(f"{line}\n" for line in (written.address, *written.messages)))


def _number(run: WorkflowRun, runner: Runner) -> int | None:
    """Find the open pull request that a run was for, None if it is no longer open."""
    # A fork that was deleted cannot be asked for: its pull requests are closed.
    if run.head_repository is None:
        return None
    head = Head(run.head_repository.owner.login, run.head_branch, run.head_sha)
    with github_client(Settings.load()) as client:
        return open_pull_request(client, runner.repository, head)
