"""An undo that is killed goes on by running it again, and what it restored stays held."""

import pytest

from reconciler.errors import ExitCode
from reconciler.model.journal import open_intents, open_runs
from reconciler.model.ports import Holder
from tests.support.process_death import Killed
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST, OTHER
from tests.support.scenes import NOON, Scene, results
from tests.support.undoing import draw, planned, undo

NAMES = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "other": OTHER}
EVERYTHING = {one.digest for one in (LATEST, BUILD, AMD64, ARM64, OTHER)}


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and two that go."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(hours=1)
    scene.push(OTHER, "pr-8")
    scene.later(days=2)


def _killed_at(scene: Scene, method: str, nth: int = 1) -> None:
    scene.apply()
    scene.registry.fail(method, Killed(), nth=nth)
    with pytest.raises(Killed):
        undo(scene)
    scene.registry.calm()


@pytest.mark.parametrize(
    ("method", "nth"),
    [("listing", 2), ("deleted", 2), ("pace", 1), ("restore", 1), ("restore", 3), ("version", 2)],
)
def test_wherever_an_undo_is_killed_the_next_one_finishes(
    scene: Scene, method: str, nth: int
) -> None:
    _killed_at(scene, method, nth)

    undo(scene, name="undo-2")
    again = draw(scene)

    assert scene.alive == EVERYTHING
    assert scene.registry.storage.tags["pr-7"] == BUILD.digest
    assert planned(again, **NAMES) == []
    assert open_intents(scene.records) == {}
    assert open_runs(scene.records) == []


def test_what_a_killed_undo_restored_is_found_there_and_the_rest_was_not_done(
    scene: Scene,
) -> None:
    _killed_at(scene, "restore", nth=3)

    undo(scene, draw(scene), name="undo-2")

    assert [line for line in scene.story(**NAMES) if "resolve" in line] == [
        "resolve amd64 not_done",
        "resolve index not_done",
    ]
    assert len(scene.registry.about("restore")) == 5


def test_a_restoration_whose_answer_the_killed_run_never_saw_is_resolved(scene: Scene) -> None:
    _killed_at(scene, "version", nth=2)

    undo(scene, draw(scene), name="undo-2")

    assert "resolve arm64 restored" in scene.story(**NAMES)


def test_an_apply_after_a_killed_undo_deletes_nothing_that_came_back(scene: Scene) -> None:
    _killed_at(scene, "restore", nth=4)

    scene.later(days=1)
    applied = scene.apply()

    assert {OTHER.digest, ARM64.digest, AMD64.digest} <= scene.alive
    assert applied.outcomes == ()
    assert open_runs(scene.records) == []


def test_what_a_killed_apply_left_to_the_next_one_comes_back_with_it(scene: Scene) -> None:
    scene.registry.fail("delete", Killed(), nth=2)
    with pytest.raises(Killed):
        scene.apply()
    scene.registry.calm()
    scene.apply()

    undo(scene, draw(scene, "run-1"))

    assert scene.alive == EVERYTHING - {OTHER.digest}


def test_an_undo_whose_lock_is_broken_restores_nothing_more(scene: Scene) -> None:
    scene.apply()
    seized = scene.state.of(scene.registry.repository).seize(
        Holder("run-9", "hubot", "runner-1", NOON), "undo-1"
    )
    scene.registry.on("pace", seized.__enter__, nth=2)

    applied = undo(scene)
    seized.__exit__(None, None, None)

    assert len(scene.registry.about("restore")) == 1
    assert applied.exit_code is ExitCode.LOCKED
    assert results(applied, **NAMES) == {"other": "restored"}
    assert scene.story(**NAMES)[-1] == "outcome other restored"
