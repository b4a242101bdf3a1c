"""The action as one step of a job: what it is told, what it tells, and how it ends."""

import json
from pathlib import Path

from tests.actions.conftest import Actions, token_for
from tests.support.workflows.machine import Event, Job

APPLY = {"command": "apply", "state": ".state"}
SAVED = {**APPLY, "plan": "plan.json"}
HOSTILE = """'; touch owned; ' "; touch owned; " $(touch owned) `touch owned`"""
MANY_MISTAKES = "version: 1\npolicies:\n" + "  - {name: web, nmae: web}\n" * 12


def annotations(job: Job, level: str) -> list[str]:
    """Return the annotations of a level that the step put at lines or on the run."""
    return [line for line in job.log.splitlines() if line.startswith(f"::{level} ")]


def reason(job: Job) -> str:
    """Return why our step failed, in one word."""
    return job.step("one").outputs["failure-reason"]


def test_no_input_becomes_a_command(actions: Actions) -> None:
    names = ("command", "paths", "plan", "expect-digest", "time-budget", "comment")

    job = actions.step(dict.fromkeys(names, HOSTILE))

    assert job.outcome == "failure"
    assert list(actions.web.folder.rglob("owned")) == []
    assert "input command is" in annotations(job, "error")[0]


def test_a_wrong_policy_is_shown_at_its_line(actions: Actions) -> None:
    actions.web.reconciler.write_policy("version: 1\npolicies:\n  - nmae: web\n")

    job = actions.step({"command": "plan"})

    assert (job.outcome, reason(job)) == ("failure", "bad-policy")
    assert annotations(job, "error")[0].startswith("::error file=policies/policy.yaml,")
    assert "line=3" in annotations(job, "error")[0]
    assert "nmae" in job.step("Reconcile").summary


def test_github_is_given_no_more_notes_than_it_shows_and_the_log_has_all(actions: Actions) -> None:
    actions.web.reconciler.write_policy(MANY_MISTAKES)

    job = actions.step({"command": "plan"})

    assert len(annotations(job, "error")) == 10
    assert job.log.count("policies/policy.yaml:14:") > 0


def test_a_guard_stops_both_plan_and_apply_and_says_what_would_let_it_pass(
    actions: Actions,
) -> None:
    policy = actions.web.folder / "policies" / "policy.yaml"
    policy.write_text(policy.read_text().replace("max_delete_percent: 100", "max_delete: 1"))

    plan = actions.step({"command": "plan"})
    apply = actions.step(APPLY)

    assert (reason(plan), reason(apply)) == ("guard", "guard")
    assert f"plan with --allow max_delete:{actions.web.repository}=" in (
        annotations(plan, "error")[0].replace("%3A", ":")
    )
    assert "file=policies/policy.yaml,title=policy web,line=3" in annotations(plan, "error")[0]
    assert plan.step("one").outputs["to-delete"] == "7"
    assert len(actions.web.tags) == 4


def test_changes_fail_a_plan_where_that_is_asked_for(actions: Actions) -> None:
    job = actions.step({"fail-on-changes": "true"})

    assert (job.outcome, reason(job)) == ("failure", "changes")


def test_only_the_plan_that_was_approved_is_applied(actions: Actions) -> None:
    plan = actions.step({"plan": "plan.json"}).step("one").outputs
    other = actions.step({**SAVED, "expect-digest": "sha256:" + "0" * 64})
    before = dict(actions.web.tags)
    right = actions.step({**SAVED, "expect-digest": plan["plan-digest"]})

    assert (plan["plan-path"], plan["to-delete"]) == ("plan.json", "7")
    assert reason(other) == "plan-rejected"
    assert "not the expected sha256:0000" in annotations(other, "error")[0]
    assert len(before) == 4
    assert right.step("one").outputs["deleted"] == "7"
    assert set(actions.web.tags) == {"latest"}


def test_a_token_that_may_not_delete_is_told_and_nothing_is_gone(actions: Actions) -> None:
    actions.permissions = {"packages": "read"}

    job = actions.step(APPLY)

    assert reason(job) == "access"
    assert job.step("one").outputs["deleted"] == "0"
    assert len(actions.web.tags) == 4


def test_what_was_applied_is_told_to_later_steps_and_on_the_page(actions: Actions) -> None:
    job = actions.step(APPLY)
    outputs, summary = job.step("one").outputs, job.step("Reconcile").summary

    heads = json.loads(outputs["journal-head"])
    assert {name: outputs[name] for name in ("deleted", "skipped", "retained", "failed")} == {
        "deleted": "7",
        "skipped": "0",
        "retained": "0",
        "failed": "0",
    }
    assert list(heads) == [actions.web.repository]
    assert json.loads(Path(outputs["plan-path"]).read_bytes())["digest"] == outputs["plan-digest"]
    assert f"reconciler undo {outputs['run-id']}" in summary
    assert "### Retention applied: 7 deleted, 0 already absent" in summary
    assert annotations(job, "warning") == []


def test_a_log_that_ends_with_the_job_is_warned_of(actions: Actions) -> None:
    job = actions.step({"command": "apply"})

    (warning,) = annotations(job, "warning")
    assert "Set the input `state`" in warning


def test_no_token_appears_anywhere(actions: Actions) -> None:
    job = actions.step(APPLY)

    told = job.log + "".join(step.summary + str(step.outputs) for step in job.steps)
    assert token_for(actions.permissions) not in told


def test_nothing_of_the_workspace_is_imported(actions: Actions) -> None:
    for name in ("yaml.py", "reconciler.py", "httpx.py", "sitecustomize.py"):
        (actions.web.folder / name).write_text("open('owned', 'w')\n")

    job = actions.step({"command": "plan"}, Event("pull_request"))

    assert job.outcome == "success"
    assert not Path(actions.web.folder / "owned").exists()
