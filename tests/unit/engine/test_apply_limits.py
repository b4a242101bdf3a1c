"""Guards held against the numbers of now, and stops that were asked for."""

import pytest

from reconciler.errors import ExitCode, GuardError
from reconciler.model.journal import open_intents, open_runs
from tests.support.documents import Document, image
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST, OTHER
from tests.support.scenes import WEB, Scene, policy, results

NAMES: dict[str, Document] = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "other": OTHER}


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and two that go."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(hours=1)
    scene.push(OTHER, "pr-8")
    scene.later(days=2)


def test_a_guard_that_the_numbers_of_now_break_stops_the_apply(scene: Scene) -> None:
    plan = scene.plan()
    scene.policy = policy(guards={"max_delete": 1, "max_delete_percent": 50})

    applied = scene.apply(plan)

    assert isinstance(applied.error, GuardError)
    assert applied.exit_code is ExitCode.SAFETY_STOP
    assert str(applied.error) == (
        "ghcr.io/acme/web: max_delete is 1, and it would be 2;"
        " max_delete_percent is 50, and it would be 66.7"
    )
    assert applied.error.hint == (
        "Nothing was deleted. If this is intended, apply it with:"
        " --allow max_delete:ghcr.io/acme/web=2 --allow max_delete_percent:ghcr.io/acme/web=67"
    )
    assert scene.registry.deletes == []
    assert scene.records == []


def test_the_percentage_is_of_the_images_that_are_there_now(scene: Scene) -> None:
    scene.policy = policy(guards={"max_delete_percent": 60})
    for number in range(3):
        scene.push(image(f"release {number}"), f"v{number}")
    plan = scene.plan()
    for number in range(3):
        scene.registry.storage.remove(scene.registry.storage.tags[f"v{number}"])

    applied = scene.apply(plan)

    assert plan.outcome is ExitCode.OK
    assert applied.exit_code is ExitCode.SAFETY_STOP
    assert scene.registry.deletes == []


def test_an_allowance_lets_a_plan_pass_the_guard_it_names(scene: Scene) -> None:
    scene.policy = policy(guards={"max_delete": 1, "max_delete_percent": 100})

    applied = scene.apply(allowed={("max_delete", WEB): 2})

    assert applied.exit_code is ExitCode.OK
    assert scene.alive == {LATEST.digest}


def test_a_plan_drawn_with_an_allowance_raises_no_limit_when_it_is_applied(scene: Scene) -> None:
    scene.policy = policy(guards={"max_delete": 1, "max_delete_percent": 100})
    drawn = scene.plan(allowed={("max_delete", WEB): 2})

    applied = scene.apply(drawn)

    assert applied.exit_code is ExitCode.SAFETY_STOP
    assert scene.registry.deletes == []


def _after(scene: Scene, deletions: int) -> str:
    return "interrupted" if len(scene.registry.deletes) >= deletions else ""


def test_a_halt_waits_for_the_component_it_finds_begun(scene: Scene) -> None:
    applied = scene.apply(halt=lambda: _after(scene, 1))

    assert results(applied, **NAMES) == {
        "index": "deleted",
        "amd64": "deleted",
        "arm64": "deleted",
        "other": "not_done",
    }
    assert applied.stopped == "interrupted"
    assert applied.exit_code is ExitCode.OK


def test_a_halted_run_closes_its_journal_and_the_next_one_goes_on(scene: Scene) -> None:
    scene.apply(halt=lambda: _after(scene, 1))
    closed = scene.records[-1]

    applied = scene.apply()

    assert closed.type == "run_close"
    assert closed.body == {"counts": {"deleted": 3, "not_done": 1}, "reason": "interrupted"}
    assert results(applied, **NAMES) == {"other": "deleted"}
    assert applied.resolved == 0


def test_a_halt_before_the_first_deletion_leaves_all_of_it_and_says_so(scene: Scene) -> None:
    applied = scene.apply(halt=lambda: "the time budget is used up")

    assert scene.registry.deletes == []
    assert scene.story() == []
    assert applied.stopped == "the time budget is used up"
    assert applied.exit_code is ExitCode.OK
    assert open_intents(scene.records) == {}
    assert open_runs(scene.records) == []
