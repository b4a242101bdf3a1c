"""A run that is to stop while it reads or waits: nothing is forgotten, and it is no failure."""

import pytest

from reconciler.errors import ExitCode, StoppedError
from reconciler.model.journal import open_intents, open_runs
from reconciler.model.ports import DeletionResult
from tests.support.documents import image
from tests.support.scenes import Scene, results

FIRST, SECOND, LATEST = image("pr 7"), image("pr 8"), image("latest")
NAMES = {"first": FIRST, "second": SECOND}
STOP = StoppedError("the time budget is used up")


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and two that go."""
    scene.push(LATEST, "latest")
    scene.push(FIRST, "pr-7")
    scene.later(hours=1)
    scene.push(SECOND, "pr-8")
    scene.later(days=2)


@pytest.mark.parametrize("method", ["listing", "newest", "pace", "version", "delete"])
def test_wherever_a_run_stops_it_closes_what_it_opened_and_the_next_one_goes_on(
    scene: Scene, method: str
) -> None:
    plan = scene.plan()
    scene.registry.fail(method, STOP)

    stopped = scene.apply(plan)
    written = scene.records
    again = scene.apply(plan)

    assert (stopped.stopped, stopped.error) == ("the time budget is used up", None)
    assert stopped.exit_code is ExitCode.OK
    assert (open_intents(written), open_runs(written)) == ({}, [])
    assert results(again, **NAMES) == {"first": "deleted", "second": "deleted"}


@pytest.mark.parametrize(("done", "found"), [(True, "deleted"), (False, "not_done")])
def test_a_lost_answer_that_there_is_no_time_to_look_into_is_found_out_by_the_next_run(
    scene: Scene, *, done: bool, found: str
) -> None:
    plan = scene.plan()
    scene.registry.answer(DeletionResult.LOST, done=done)
    scene.registry.on("delete", lambda: scene.registry.fail("version", STOP))

    stopped = scene.apply(plan)
    scene.apply(plan)

    assert results(stopped, **NAMES) == {"first": "unknown", "second": "not_done"}
    assert stopped.exit_code is ExitCode.PARTIAL
    assert f"resolve first {found}" in scene.story(**NAMES)
    assert scene.alive == {LATEST.digest}
