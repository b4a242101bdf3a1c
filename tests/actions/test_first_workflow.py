"""The workflow that `init` writes, run on the events that start it."""

from pathlib import Path, PurePath

import pytest

from reconciler.formats.propose import ActionReference, write_workflow
from tests.actions.conftest import Actions
from tests.support.workflows.machine import Event
from tests.support.workflows.pages import PINNED, workflows

PULL_REQUEST = {
    "pull_request": {
        "number": 7,
        "head": {"repo": {"full_name": "acme/web", "fork": True}},
        "base": {"repo": {"full_name": "acme/web"}},
    }
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Give the workflow for the policies of the served package, with its state in the workspace."""
    text = write_workflow(PurePath("policies/policy.yaml"), ActionReference(PINNED))
    path = tmp_path / "retention.yml"
    path.write_text(text.replace("github://${{ github.repository }}/reconciler-state", ".state"))
    return path


def test_it_plans_in_a_pull_request_from_a_fork_and_applies_on_main(
    actions: Actions, written: Path
) -> None:
    event = Event("pull_request", PULL_REQUEST, ref="refs/pull/7/merge")

    planned = actions.run(written, "plan", event)
    applied = actions.run(written, "apply", Event("push"))

    assert planned.outcome == "success"
    assert planned.step("Plan").outputs["to-delete"] == "7"
    assert len(actions.uploads) == 1
    assert applied.outcome == "success"
    assert applied.step("Apply").outputs["deleted"] == "7"
    assert set(actions.web.tags) == {"latest"}


def test_it_is_the_workflow_of_the_documentation(tmp_path: Path) -> None:
    shown = workflows(tmp_path)["retention.yml"].read_text(encoding="utf-8")

    written = write_workflow(PurePath("policies/web.yaml"), ActionReference(PINNED))

    _, name, rest = written.partition("name: retention\n")
    assert name + rest == shown
