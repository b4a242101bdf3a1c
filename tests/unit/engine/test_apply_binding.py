"""A plan is of the state it was drawn with: another one would miss what it knows, and its locks."""

from pathlib import Path

import pytest

from reconciler.errors import ExitCode, PlanError
from reconciler.model.plan import DeletionPlan, read_plan
from reconciler.state.local import LocalState
from tests.support.documents import image
from tests.support.sample_manifests import LATEST
from tests.support.scenes import Scene
from tests.support.undoing import deleted, draw, undo

OLD = image("pr 7")


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and one that goes."""
    scene.push(LATEST, "latest")
    scene.push(OLD, "pr-7")
    scene.later(days=2)


@pytest.fixture
def elsewhere(tmp_path: Path) -> LocalState:
    """Give another state, with nothing in it."""
    return LocalState(tmp_path / "elsewhere")


def lived(scene: Scene) -> None:
    """Let the state have a past: one run that deleted something."""
    scene.apply()
    scene.push(OLD, "pr-7")
    scene.later(days=2)


def test_a_plan_of_a_state_with_a_past_is_refused_by_another_state(
    scene: Scene, elsewhere: LocalState
) -> None:
    lived(scene)
    plan = scene.plan()
    scene.state = elsewhere
    sent = len(scene.registry.deletes)

    applied = scene.apply(plan)

    assert isinstance(applied.error, PlanError)
    assert applied.exit_code is ExitCode.PLAN_REJECTED
    assert len(scene.registry.deletes) == sent
    assert scene.records == []


def test_a_plan_of_another_state_is_refused_by_one_with_a_past(
    scene: Scene, elsewhere: LocalState
) -> None:
    own = scene.state
    lived(scene)
    scene.state = elsewhere
    plan = scene.plan()
    scene.state = own

    applied = scene.apply(plan)

    assert applied.exit_code is ExitCode.PLAN_REJECTED
    assert OLD.digest in scene.alive


def test_a_plan_that_was_drawn_without_a_state_goes_wherever_there_is_none(
    scene: Scene, elsewhere: LocalState
) -> None:
    saved = read_plan(scene.plan().to_bytes())
    assert isinstance(saved, DeletionPlan)
    scene.state = elsewhere

    applied = scene.apply(saved)

    assert applied.exit_code is ExitCode.OK
    assert scene.alive == {LATEST.digest}


def test_a_plan_goes_on_after_another_one_was_applied(scene: Scene) -> None:
    plan = scene.plan()
    lived(scene)

    applied = scene.apply(plan)

    assert applied.exit_code is ExitCode.OK


def test_a_plan_tells_no_path_of_the_state(scene: Scene, tmp_path: Path) -> None:
    lived(scene)

    plan = scene.plan()

    assert plan.repositories[0].state == scene.records[-1].hash
    assert str(tmp_path) not in plan.to_bytes().decode()


def test_a_plan_that_restores_is_refused_by_another_state(
    scene: Scene, elsewhere: LocalState
) -> None:
    deleted(scene)
    plan = draw(scene)
    scene.state = elsewhere

    undone = undo(scene, plan)

    assert undone.exit_code is ExitCode.PLAN_REJECTED
    assert scene.alive == {LATEST.digest}
