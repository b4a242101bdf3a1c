"""The steps that print what another command prints: `comment`, `check` and `diagnose`."""

import contextlib
import io
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.exceptions import TyperException

from reconciler.action.inputs import Inputs
from reconciler.action.runner import PullRequestEvent, Runner, WorkflowRun, event_of
from reconciler.action.step import Note, StepReport, general_note
from reconciler.commands._console import save
from reconciler.errors import ExitCode, SettingsError
from reconciler.github.client import TokenKind, open_github
from reconciler.github.pulls import Head, open_pull_request
from reconciler.model.comparison import Difference
from reconciler.session import utc_now
from reconciler.settings import GITHUB_HOST, Settings
from reconciler.transport.watch import RunClock

NO_REQUEST = "There is no pull request to comment on here, so the plan is only on this page."
FROM_FORK = (
    "This pull request comes from a fork, and GitHub lets workflows of forks write nothing; so"
    " the plan is on this page, and not in a comment. docs/github-actions.md shows a second"
    " workflow, on `workflow_run`, that writes the comment from the saved plan."
)
MOVED_ON = "The pull request of that run was closed, or has new commits: there is no comment."

ACTION_NEEDED = "Somebody has to act: the page of this run says what was found, and what to do."


def comment(
    path: Path, difference: Difference | None, request: PullRequestEvent | None, runner: Runner
) -> tuple[Note, ...]:
    """Write the comment from the plan that was saved at `path`, or note why there is none.

    That it fails does not fail the step, whose work is the plan.
    """
    if request is None:
        return (general_note("notice", NO_REQUEST),)
    if request.is_from_fork:
        return (general_note("notice", FROM_FORK),)
    link = ["--link", runner.page_of(runner.run_id)]
    against = _against(difference, runner.temporary)
    written = ran("comment", [str(path), "--pr", str(request.number), *link, *against])
    if written.code is ExitCode.OK:
        return ()
    cure = "The job needs `permissions: pull-requests: write`; the plan is on this page."
    return (general_note("warning", f"The comment was not written. {written.error}\n{cure}"),)


def comment_on(inputs: Inputs, runner: Runner) -> StepReport:
    """Write the comment from a saved plan, to the pull request that the event leads to.

    Never to one that the plan names: where it comes from a fork, it is a stranger's text.

    Raises: SettingsError, for an event without a pull request; AccessError; EvidenceError.
    """
    event = event_of(runner.event_file)
    if event.workflow_run:
        number, run = _number(event.workflow_run, runner), str(event.workflow_run.id)
    elif event.pull_request:
        number, run = event.pull_request.number, runner.run_id
    else:
        raise SettingsError(NO_REQUEST, hint="Run it on `pull_request` or `workflow_run`.")
    if number is None:
        return StepReport(notes=[general_note("notice", MOVED_ON)])
    link = ["--link", runner.page_of(run)]
    written = ran("comment", [str(inputs.plan), "--pr", str(number), *link])
    return StepReport(
        code=written.code,
        text=written.printed + written.complaints,
        notes=[general_note("error", written.error)] if written.error else (),
    )


def _number(run: WorkflowRun, runner: Runner) -> int | None:
    """Ask GitHub which open pull request a run was for, None where there is none any more."""
    if run.head_repository is None:
        return None
    settings = Settings.load()
    token = settings.token_for(GITHUB_HOST)
    secret = token.get_secret_value() if token else ""
    client, _ = open_github(settings.github_api, secret, RunClock(utc_now))
    head = Head(run.head_repository.owner.login, run.head_branch, run.head_sha)
    try:
        return open_pull_request(client, TokenKind.of(secret), runner.repository, head)
    finally:
        client.close()


def _against(difference: Difference | None, folder: Path) -> list[str]:
    """Save what separates the plan from that of the base, and return the option that names it."""
    if difference is None:
        return []
    path = folder / "difference.json"
    save(path, difference.to_bytes())
    return ["--against-json", str(path)]


class Ran(NamedTuple):
    """How a command ended, and what it wrote on each stream."""

    code: ExitCode
    printed: str
    complaints: str

    @property
    def error(self) -> str:
        """What it complained of last, without what it logged before; empty if of nothing."""
        _, found, text = self.complaints.rpartition("Error: ")
        return text.strip() if found else ""


def ran(name: str, arguments: Sequence[str]) -> Ran:
    """Run a command by its name, as the command line does; its refusals are complaints, too."""
    module = import_module(f"reconciler.commands.{name}")
    printed, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
        command = typer.main.get_command(module.app)
        try:
            code: Any = command.main(list(arguments), name, standalone_mode=False)
        except TyperException as error:
            return Ran(ExitCode.USAGE, printed.getvalue(), f"Error: {error.format_message()}\n")
    return Ran(ExitCode(code or 0), printed.getvalue(), complaints.getvalue())


def look(inputs: Inputs) -> StepReport:
    """Run the command and report what it printed."""
    looked = ran(inputs.command, ["--format", "markdown", "--", *inputs.paths])
    return StepReport(
        code=looked.code,
        outputs={"changes": "true" if looked.code is ExitCode.CHANGES else "false"},
        text=looked.printed + looked.complaints,
        summary=looked.printed,
        notes=[general_note("error", text) for text in _failure(looked)],
    )


def _failure(looked: Ran) -> list[str]:
    """Say why the step fails, if it does."""
    if looked.code is ExitCode.CHANGES:
        return [ACTION_NEEDED]
    return [looked.error] if looked.error else []
