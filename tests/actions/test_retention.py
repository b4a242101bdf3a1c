"""The workflow of the documentation, run on each event that starts it."""

import json
from pathlib import Path

import pytest

from tests.actions.conftest import Actions
from tests.support.workflows.runner import Event

PULL_REQUEST = {
    "pull_request": {
        "number": 7,
        "head": {"repo": {"full_name": "acme/web", "fork": False}},
        "base": {"repo": {"full_name": "acme/web"}},
    }
}


def test_a_pull_request_is_shown_what_would_go_and_stays_green(
    actions: Actions, retention: Path
) -> None:
    event = Event("pull_request", PULL_REQUEST, ref="refs/pull/7/merge")

    plan = actions.run(retention, "plan", event)
    apply = actions.run(retention, "apply", event)

    assert (plan.outcome, apply.outcome) == ("success", "skipped")
    assert plan.step("Plan").outputs["changes"] == "true"
    assert plan.step("Plan").outputs["to-delete"] == "7"
    assert plan.step("Plan").outputs["failure-reason"] == ""
    assert "### Retention plan: 7 to delete" in plan.step("Reconcile").summary
    assert json.loads(actions.uploads[0])["digest"] == plan.step("Plan").outputs["plan-digest"]
    assert len(actions.web.tags) == 4


@pytest.mark.parametrize("name", ["push", "schedule", "workflow_dispatch"])
def test_on_main_and_every_night_it_is_deleted(
    actions: Actions, retention: Path, name: str
) -> None:
    plan = actions.run(retention, "plan", Event(name))
    apply = actions.run(retention, "apply", Event(name))
    again = actions.run(retention, "apply", Event(name))
    log = actions.web.reconciler("log", "list", "--state", ".state")

    assert (plan.outcome, apply.outcome, again.outcome) == ("skipped", "success", "success")
    assert apply.step("Apply").outputs["deleted"] == "7"
    assert set(actions.web.tags) == {"latest"}
    assert again.step("Apply").outputs["deleted"] == "0"
    assert apply.step("Apply").outputs["run-id"] in log.stdout
