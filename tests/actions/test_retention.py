"""The workflow of the documentation, run on each event that starts it."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.actions.conftest import Actions, token_for
from tests.support.workflows.machine import Event

STATE = {
    "RECONCILER_STATE": "github://acme/web/reconciler-state",
    "GITHUB_TOKEN": token_for({"contents": "read"}),
}
"""Where the workflow keeps its state, for a command that looks at it."""


def pull_request(*, head: str = "acme/web", base: str = "") -> Event:
    """Open pull request 7, of a branch or of a fork."""
    sides = {
        "head": {"sha": "1" * 40, "repo": {"full_name": head, "fork": head != "acme/web"}},
        "base": {"sha": base, "ref": "main", "repo": {"full_name": "acme/web"}},
    }
    payload = {"action": "opened", "pull_request": {"number": 7, **sides}}
    fork = head != "acme/web"
    return Event("pull_request", payload, ref="refs/pull/7/merge", from_fork=fork)


def test_a_pull_request_is_shown_what_would_go_and_stays_green(
    actions: Actions, retention: Path
) -> None:
    plan = actions.run(retention, "plan", pull_request())
    again = actions.run(retention, "plan", pull_request())
    apply = actions.run(retention, "apply", pull_request())

    assert (plan.outcome, again.outcome, apply.outcome) == ("success", "success", "skipped")
    assert plan.step("Plan").outputs["changes"] == "true"
    assert plan.step("Plan").outputs["to-delete"] == "7"
    assert plan.step("Plan").outputs["failure-reason"] == ""
    assert "### Retention plan: 7 to delete" in plan.step("Reconcile").summary
    assert json.loads(actions.uploads[0])["digest"] == plan.step("Plan").outputs["plan-digest"]
    assert ["### Retention plan: 7 to delete" in text for text in actions.comments] == [True]
    assert len(actions.web.tags) == 4


def test_a_pull_request_of_a_fork_is_planned_without_a_comment_and_told_why(
    actions: Actions, retention: Path
) -> None:
    job = actions.run(retention, "plan", pull_request(head="stranger/web"))

    assert job.outcome == "success"
    assert "### Retention plan: 7 to delete" in job.step("Reconcile").summary
    assert "::notice title=Reconciler::This pull request comes from a fork" in job.log
    assert actions.comments == []
    assert len(actions.uploads) == 1


def test_a_comment_that_may_not_be_written_is_a_warning_and_no_failure(actions: Actions) -> None:
    actions.permissions = {"packages": "read"}

    job = actions.step({"comment": "true"}, pull_request())

    assert job.outcome == "success"
    assert "::warning title=Reconciler::The comment was not written." in job.log
    assert "pull-requests: write" in job.log
    assert actions.comments == []


def test_a_pull_request_is_told_what_it_changes_itself(actions: Actions, retention: Path) -> None:
    base = committed(actions.web.folder)
    policy = actions.web.folder / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().replace("within: 7d", "within: 300d"))

    known = actions.run(retention, "plan", pull_request(base=base))
    shallow = actions.run(retention, "plan", pull_request(base="2" * 40))

    assert known.step("Plan").outputs["to-delete"] == "0"
    assert "Compared with `main`" in known.step("Reconcile").summary
    assert "fetch-depth: 0" in shallow.log
    assert shallow.outcome == "success"


def committed(folder: Path) -> str:
    """Commit the policies of a folder; return the commit."""
    identity = ["-c", "user.name=acme", "-c", "user.email=acme@acme.example"]
    for command in (["init", "-q"], ["add", "policies"], [*identity, "commit", "-qm", "policies"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    shown = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return shown.stdout.strip()


def test_a_push_to_main_deletes_once_with_its_log_on_a_branch(
    actions: Actions, retention: Path
) -> None:
    plan = actions.run(retention, "plan", Event("push"))
    apply = actions.run(retention, "apply", Event("push"))
    again = actions.run(retention, "apply", Event("push"))
    there = {**STATE, "GITHUB_API_URL": actions.web.sandbox.url}
    log = actions.web.reconciler("log", "list", more=there)
    verified = actions.web.reconciler("log", "verify", more=there)

    assert (plan.outcome, apply.outcome, again.outcome) == ("skipped", "success", "success")
    assert apply.step("Apply").outputs["deleted"] == "7"
    assert set(actions.web.tags) == {"latest"}
    assert again.step("Apply").outputs["deleted"] == "0"
    assert apply.step("Apply").outputs["run-id"] in log.stdout
    # Each job had an empty disk: the second went on with the journal of the first, and added none.
    heads = [json.loads(job.step("Apply").outputs["journal-head"]) for job in (apply, again)]
    assert heads[0] == heads[1]
    assert verified.code == 0
    assert heads[0][actions.web.repository] in verified.stdout
    assert not (actions.web.folder / ".reconciler").exists()


@pytest.mark.parametrize("event", ["push", "workflow_dispatch"])
@pytest.mark.parametrize("ref", ["refs/heads/topic", "refs/heads/trunk", "refs/tags/main"])
def test_the_policies_of_another_branch_are_never_applied(
    actions: Actions, retention: Path, event: str, ref: str
) -> None:
    job = actions.run(retention, "apply", Event(event, ref=ref))

    assert job.outcome == "skipped"
    assert actions.web.tags == actions.web.pushed.tags


def test_the_default_branch_may_have_any_name(actions: Actions, retention: Path) -> None:
    payload = {"repository": {"default_branch": "trunk"}}

    other = actions.run(retention, "apply", Event("workflow_dispatch", payload))
    job = actions.run(
        retention, "apply", Event("workflow_dispatch", payload, ref="refs/heads/trunk")
    )

    assert (other.outcome, job.outcome) == ("skipped", "success")
    assert set(actions.web.tags) == {"latest"}


def test_every_night_it_is_deleted_too(actions: Actions, retention: Path) -> None:
    job = actions.run(retention, "apply", Event("schedule"))

    assert job.outcome == "success"
    assert set(actions.web.tags) == {"latest"}
