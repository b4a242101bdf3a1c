"""A run that is killed leaves intents; the next run asks the registry what became of them."""

from pathlib import Path

import pytest

from reconciler.errors import EvidenceError, ExitCode
from reconciler.model.journal import open_intents, open_runs
from tests.support.documents import index
from tests.support.process_death import Killed
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST, OTHER
from tests.support.scenes import Scene, results

NAMES = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "other": OTHER}


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and two that go."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(hours=1)
    scene.push(OTHER, "pr-8")
    scene.later(days=2)


def _killed_at(scene: Scene, method: str, nth: int = 1) -> None:
    scene.registry.fail(method, Killed(), nth=nth)
    with pytest.raises(Killed):
        scene.apply()


def test_what_a_killed_run_meant_to_delete_and_did_not_is_resolved_and_done(
    scene: Scene,
) -> None:
    _killed_at(scene, "delete")

    applied = scene.apply()

    assert [line for line in scene.story(**NAMES) if "resolve" in line] == [
        "resolve index not_done",
        "resolve amd64 not_done",
        "resolve arm64 not_done",
        "resolve other not_done",
    ]
    assert applied.resolved == 4
    assert set(results(applied, **NAMES).values()) == {"deleted"}
    assert scene.alive == {LATEST.digest}


def test_what_a_killed_run_deleted_is_found_gone(scene: Scene) -> None:
    _killed_at(scene, "delete", nth=3)

    scene.apply()

    assert [line for line in scene.story(**NAMES) if "resolve" in line] == [
        "resolve index deleted",
        "resolve amd64 deleted",
        "resolve arm64 not_done",
        "resolve other not_done",
    ]
    assert scene.registry.deletes == [
        BUILD.digest,
        AMD64.digest,
        ARM64.digest,
        ARM64.digest,
        OTHER.digest,
    ]
    assert scene.alive == {LATEST.digest}


def test_the_run_of_the_dead_is_closed_as_abandoned_by_the_next(scene: Scene) -> None:
    _killed_at(scene, "newest")

    scene.apply()

    closed = (record for record in scene.records if record.type == "run_close")
    abandoned = next(record for record in closed if record.body.get("of"))
    assert abandoned.run == "run-2"
    assert abandoned.body == {"of": "run-1", "reason": "abandoned"}
    assert open_runs(scene.records) == []


def test_a_resolved_intent_names_the_run_it_is_of_and_why_it_was(scene: Scene) -> None:
    _killed_at(scene, "delete", nth=2)

    scene.apply()

    resolved = next(record for record in scene.records if record.type == "resolve")
    assert resolved.run == "run-2"
    assert resolved.body["of"] == "run-1"
    assert resolved.body["rules"] == ["previews"]
    assert resolved.body["tags"] == ["pr-7"]


def test_a_registry_that_cannot_be_asked_leaves_intents_open_and_deletes_nothing(
    scene: Scene,
) -> None:
    _killed_at(scene, "delete")
    sent = len(scene.registry.deletes)
    plan = scene.plan()
    scene.registry.fail("version", EvidenceError("no answer"), nth=2)

    applied = scene.apply(plan)

    assert applied.exit_code is ExitCode.EVIDENCE_INCOMPLETE
    assert len(open_intents(scene.records)) == 4
    assert len(scene.registry.deletes) == sent


def test_intents_are_resolved_even_when_nothing_is_left_to_delete(scene: Scene) -> None:
    _killed_at(scene, "delete", nth=2)
    for digest in scene.alive - {LATEST.digest}:
        scene.registry.storage.remove(digest)

    applied = scene.apply()

    assert applied.resolved == 4
    assert open_intents(scene.records) == {}
    assert open_runs(scene.records) == []
    assert applied.outcomes == ()


def test_a_plan_half_done_by_a_killed_run_is_finished_by_applying_it_again(
    scene: Scene,
) -> None:
    plan = scene.plan()
    scene.registry.fail("delete", Killed(), nth=2)
    with pytest.raises(Killed):
        scene.apply(plan)

    applied = scene.apply(plan)

    assert results(applied, **NAMES) == {
        "index": "absent",
        "amd64": "deleted",
        "arm64": "deleted",
        "other": "deleted",
    }
    assert scene.alive == {LATEST.digest}


def test_a_killed_run_leaves_no_lock(scene: Scene) -> None:
    _killed_at(scene, "delete")

    assert scene.state.of(scene.registry.repository).holder() is None


@pytest.mark.parametrize(
    "method", ["listing", "check_deletion", "newest", "pace", "version", "delete"]
)
def test_wherever_a_run_is_killed_the_next_one_finishes(scene: Scene, method: str) -> None:
    plan = scene.plan()
    scene.registry.fail(method, Killed())
    with pytest.raises(Killed):
        scene.apply(plan)

    finished = scene.apply(plan)
    again = scene.apply(plan)

    assert scene.alive == {LATEST.digest}
    assert finished.exit_code is ExitCode.OK
    assert again.outcomes == ()
    assert open_intents(scene.records) == {}
    assert open_runs(scene.records) == []


def test_what_a_restored_referrer_lists_is_spared_by_the_run_that_restores_it(
    place: Path,
) -> None:
    scene = Scene(place / "far-back", page=1)
    referrer = index(OTHER, subject=BUILD)
    for document, tag in ((OTHER, "pr-8"), (BUILD, "pr-7"), (referrer, ""), (LATEST, "latest")):
        scene.push(document, *filter(None, [tag]))
    scene.later(days=2)
    scene.registry.on("delete", lambda: scene.registry.fail("delete", Killed()))
    with pytest.raises(Killed):
        scene.apply()
    assert scene.registry.deletes[0] == referrer.digest
    scene.registry.storage.retag("keep-me", BUILD.digest)

    applied = scene.apply()

    assert {referrer.digest, OTHER.digest} <= scene.alive
    assert results(applied, **NAMES) == {"other": "skipped_referenced"}
