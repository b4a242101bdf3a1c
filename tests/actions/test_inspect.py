"""The action with `check` and `diagnose`, for schedules and for the curious."""

from tests.actions.conftest import Actions


def test_a_check_is_red_when_somebody_has_to_act_and_its_page_says_what_to_do(
    actions: Actions,
) -> None:
    job = actions.step({"command": "check", "state": ".state"})

    assert job.outcome == "failure"
    assert job.step("one").outputs["changes"] == "true"
    assert job.step("one").outputs["failure-reason"] == "changes"
    assert "**overdue**: `3 images have been due for deletion" in job.step("Reconcile").summary
    assert "::error title=Reconciler::There are findings" in job.log


def test_a_diagnosis_stands_on_the_page_of_the_run(actions: Actions) -> None:
    actions.permissions = {"packages": "read"}

    job = actions.step({"command": "diagnose", "paths": actions.web.repository})

    assert job.outcome == "success"
    assert "platform" in job.step("Reconcile").summary
    assert len(actions.web.tags) == 4


def test_a_repository_that_cannot_be_read_is_told_with_the_cure(actions: Actions) -> None:
    actions.permissions = {"packages": "none"}

    job = actions.step({"command": "diagnose", "paths": f"{actions.web.sandbox.host}/acme/none"})

    assert job.outcome == "failure"
    assert job.step("one").outputs["failure-reason"] == "access"
    assert "packages: read" in job.log


def test_a_diagnosis_of_something_that_is_no_repository_says_so(actions: Actions) -> None:
    job = actions.step({"command": "diagnose"})

    assert job.outcome == "failure"
    assert job.step("one").outputs["failure-reason"] == "usage"
    assert "'policies' has no host of a registry" in job.log
