"""The comment on a pull request that shows the plan; that it fails never fails the step."""

from pathlib import Path

from reconciler.commands.output import save
from reconciler.commands.workflow.event import PullRequest
from reconciler.commands.workflow.report import Note, said
from reconciler.commands.workflow.running import ran
from reconciler.errors import ExitCode
from reconciler.model.difference import Difference

NO_REQUEST = "There is no pull request to comment on here, so the plan is only on this page."
FROM_FORK = (
    "This pull request comes from a fork, and GitHub lets workflows of forks write nothing; so"
    " the plan is on this page, and not in a comment. docs/pull-requests.md shows a second"
    " workflow, on `workflow_run`, that writes the comment from the saved plan."
)


def comment(
    path: Path, difference: Difference | None, request: PullRequest | None, folder: Path
) -> tuple[Note, ...]:
    """Write the comment from the plan that was saved at `path`, or note why there is none."""
    if request is None:
        return (said("notice", NO_REQUEST),)
    if request.is_from_fork:
        return (said("notice", FROM_FORK),)
    written = ran("comment", [str(path), "--pr", str(request.number), *_with(difference, folder)])
    if written.code is ExitCode.OK:
        return ()
    cure = "The job needs `permissions: pull-requests: write`; the plan is on this page."
    return (said("warning", f"The comment was not written. {written.error}{cure}"),)


def _with(difference: Difference | None, folder: Path) -> list[str]:
    """Save what separates the plan from that of the base, and return the option that names it."""
    if difference is None:
        return []
    path = folder / "difference.json"
    save(path, difference.to_bytes())
    return ["--against-json", str(path)]
