"""A DELETE that was carried out after everybody had looked is taken back like any other."""

import pytest

from reconciler.model.ports import DeletionResult
from tests.support.documents import image
from tests.support.process_death import Killed
from tests.support.sample_manifests import LATEST
from tests.support.scenes import Scene
from tests.support.undoing import draw, planned, undo

OLD = image("pr 7")
NAMES = {"old": OLD, "latest": LATEST}


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and one that goes."""
    scene.push(LATEST, "latest")
    scene.push(OLD, "pr-7")
    scene.later(days=2)


def lose_all(scene: Scene) -> None:
    """Have a run send its DELETE three times without an answer, and see the image each time."""
    for nth in (1, 2, 3):
        scene.registry.answer(DeletionResult.LOST, nth=nth, status=502)
    scene.apply()
    scene.registry.calm()


def look_again(scene: Scene) -> None:
    """Have the next run find out what became of it, and end before it deletes anything."""
    scene.registry.forbids_deletion = True
    scene.apply()
    assert "resolve old not_done" in scene.story(**NAMES)


def land(scene: Scene) -> None:
    """Have the registry carry the deletion out, seconds after the run."""
    scene.registry.storage.remove(OLD.digest)


def test_what_went_after_the_run_ended_is_undone(scene: Scene) -> None:
    lose_all(scene)
    land(scene)

    plan = draw(scene)
    undo(scene, plan)

    assert planned(plan, **NAMES) == ["old"]
    assert OLD.digest in scene.alive


def test_what_went_after_the_next_run_saw_it_there_is_undone(scene: Scene) -> None:
    lose_all(scene)
    look_again(scene)
    land(scene)

    assert planned(draw(scene), **NAMES) == ["old"]


def test_what_a_killed_run_had_sent_is_undone_although_its_successor_saw_it_there(
    scene: Scene,
) -> None:
    scene.registry.fail("delete", Killed())
    with pytest.raises(Killed):
        scene.apply()
    look_again(scene)
    land(scene)

    assert planned(draw(scene), **NAMES) == ["old"]


def test_what_never_went_is_no_deletion_to_undo(scene: Scene) -> None:
    lose_all(scene)

    assert planned(draw(scene), **NAMES) == []
