"""The second workflow of the documentation, which comments on pull requests from forks."""

from pathlib import Path

import pytest

from reconciler.sandbox.world import StoredPullRequest
from tests.actions.conftest import Actions
from tests.actions.test_retention import pull_request
from tests.support.workflows.machine import Event, Job
from tests.support.workflows.pages import workflows

SHA = "1" * 40
REQUESTS = (
    StoredPullRequest(6, "stranger:main", SHA, state="closed"),
    StoredPullRequest(7, "stranger:main", SHA),
    StoredPullRequest(8, "other:main", SHA),
)


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Give the workflow that runs after the first one."""
    return workflows(tmp_path / "workflows")["retention-comment.yml"]


def finished(*, sha: str = SHA, repository: str = "stranger/web") -> Event:
    """Finish the run for a pull request; GitHub does not tell which one that was."""
    owner = {"login": repository.partition("/")[0]}
    run = {
        "id": 76,
        "event": "pull_request",
        "head_branch": "main",
        "head_sha": sha,
        "head_repository": {"full_name": repository, "owner": owner},
        "pull_requests": [],
    }
    return Event("workflow_run", {"action": "completed", "workflow_run": run})


def planned(actions: Actions, retention: Path) -> Job:
    """Run the first workflow on a pull request from a fork, which saves its plan."""
    actions.web.sandbox.world.pulls.known["acme/web"] += REQUESTS
    return actions.run(retention, "plan", pull_request(head="stranger/web"))


def test_the_plan_of_a_fork_is_commented_on_where_github_says_it_belongs(
    actions: Actions, retention: Path, second: Path
) -> None:
    planned(actions, retention)

    job = actions.run(second, "comment", finished())

    assert job.outcome == "success"
    (comment,) = actions.comments
    assert "### Retention plan: 7 to delete" in comment
    assert "https://github.com/acme/web/actions/runs/76" in comment


def test_a_pull_request_that_has_new_commits_gets_no_comment_of_the_old_ones(
    actions: Actions, second: Path
) -> None:
    actions.web.sandbox.world.pulls.known["acme/web"] += REQUESTS
    actions.uploads = ["{}"]

    job = actions.run(second, "comment", finished(sha="3" * 40))

    assert job.outcome == "success"
    assert "::notice title=Reconciler::The pull request of that run was closed" in job.log
    assert actions.comments == []


def test_a_plan_that_a_stranger_altered_is_not_shown(
    actions: Actions, retention: Path, second: Path
) -> None:
    planned(actions, retention)
    actions.uploads = [actions.uploads[0].replace("acme/web", "acme/bank")]

    job = actions.run(second, "comment", finished())

    assert job.outcome == "failure"
    assert job.step("Comment").outputs["failure-reason"] == "plan-rejected"
    assert actions.comments == []


def test_without_a_saved_plan_nothing_is_done(actions: Actions, second: Path) -> None:
    job = actions.run(second, "comment", finished())

    assert job.outcome == "success"
    assert job.step("Comment").outcome == "skipped"


def test_branches_of_the_repository_itself_are_left_to_the_first_workflow(
    actions: Actions, second: Path
) -> None:
    job = actions.run(second, "comment", finished(repository="acme/web"))

    assert job.outcome == "skipped"
