"""Answers that are failures, answers that never came, and registries that stop answering."""

from collections.abc import Callable

import pytest

from reconciler.engine import recheck
from reconciler.engine.delete import RETRIES
from reconciler.engine.state_admin import break_locks
from reconciler.engine.waves import MAX_REFUSALS
from reconciler.errors import AccessError, EvidenceError, ExitCode, StateError
from reconciler.model.journal import open_intents
from reconciler.model.ports import DeletionResult, Holder
from tests.support.documents import cosign_tag, image, index, signature
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST, OTHER
from tests.support.scenes import NOON, Scene, results

NAMES = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "other": OTHER}
SILENCE = EvidenceError("ghcr.io gave no answer")
REFUSAL = AccessError("the token was revoked")


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and two that go."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(hours=1)
    scene.push(OTHER, "pr-8")
    scene.later(days=2)


def test_the_children_of_an_index_that_could_not_be_deleted_stay(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.FAILED, status=422)

    applied = scene.apply()

    assert results(applied, **NAMES) == {
        "index": "failed",
        "amd64": "skipped_referenced",
        "arm64": "skipped_referenced",
        "other": "deleted",
    }
    assert applied.exit_code is ExitCode.PARTIAL


def test_a_failed_deletion_is_done_by_the_next_run(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.FAILED, status=422)
    scene.apply()

    applied = scene.apply()

    assert scene.alive == {LATEST.digest}
    assert applied.exit_code is ExitCode.OK


def test_a_failure_of_a_child_does_not_hold_back_its_sibling(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.FAILED, nth=2, status=422)

    applied = scene.apply()

    assert results(applied, **NAMES) == {
        "index": "deleted",
        "amd64": "failed",
        "arm64": "deleted",
        "other": "deleted",
    }


def test_signatures_come_back_when_the_image_could_not_be_deleted(scene: Scene) -> None:
    signed = signature(OTHER)
    scene.push(signed, cosign_tag(OTHER))
    scene.later(days=2)
    scene.registry.answer(DeletionResult.FAILED, nth=5, status=422)

    applied = scene.apply()

    assert results(applied, **NAMES, sig=signed)["sig"] == "restored"
    assert signed.digest in scene.alive


def _six(scene: Scene) -> None:
    for number in range(6):
        scene.later(hours=1)
        scene.push(image(f"more {number}"), f"pr-1{number}")
    scene.later(days=2)


def test_five_failures_in_a_row_leave_the_rest_to_the_next_run(scene: Scene) -> None:
    _six(scene)
    for nth in range(1, 6):
        scene.registry.answer(DeletionResult.FAILED, nth=nth, status=422)

    applied = scene.apply()

    assert len(scene.registry.deletes) == 5
    assert applied.stopped == "5 deletions in a row failed"
    assert applied.exit_code is ExitCode.PARTIAL
    assert scene.records[-1].body["reason"] == "5 deletions in a row failed"
    assert open_intents(scene.records) == {}


def test_five_failures_with_successes_between_them_do_not_stop_a_run(scene: Scene) -> None:
    _six(scene)
    for nth in (1, 2, 3, 4, 6):
        scene.registry.answer(DeletionResult.FAILED, nth=nth, status=422)

    applied = scene.apply()

    assert applied.stopped == ""
    assert len(scene.registry.deletes) == 8


def test_more_failures_than_a_twentieth_leave_the_rest_to_the_next_run(scene: Scene) -> None:
    _six(scene)
    for nth in (1, 2, 3, 4, 6, 7):
        scene.registry.answer(DeletionResult.FAILED, nth=nth, status=422)

    applied = scene.apply()

    assert applied.stopped == "6 of 10 deletions failed"
    assert applied.exit_code is ExitCode.PARTIAL
    assert len(scene.registry.deletes) == 7


def test_a_lost_answer_is_resolved_by_reading_and_the_delete_not_sent_again(
    scene: Scene,
) -> None:
    scene.registry.answer(DeletionResult.LOST, done=True, status=502)

    applied = scene.apply()

    assert results(applied, **NAMES)["index"] == "deleted"
    assert scene.registry.deletes.count(BUILD.digest) == 1
    assert applied.exit_code is ExitCode.OK


def test_a_lost_deletion_of_what_is_still_there_is_tried_again_at_the_end_of_the_run(
    scene: Scene,
) -> None:
    scene.registry.answer(DeletionResult.LOST, done=False, status=502)

    applied = scene.apply()

    order = [BUILD.digest, OTHER.digest, BUILD.digest, AMD64.digest, ARM64.digest]
    assert scene.registry.deletes == order
    assert set(results(applied, **NAMES).values()) == {"deleted"}
    assert len(applied.outcomes) == 4
    assert applied.exit_code is ExitCode.OK
    assert [line for line in scene.story(**NAMES) if " index" in line] == [
        "intent index",
        "outcome index unknown",
        "intent index",
        "outcome index deleted",
    ]


def test_a_lost_deletion_is_tried_again_with_a_look_that_may_forbid_it(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.LOST, done=False, status=502)
    scene.registry.on("pace", lambda: scene.push(index(BUILD), "v2"), nth=2)

    applied = scene.apply()

    assert scene.registry.deletes.count(BUILD.digest) == 1
    assert {BUILD.digest, AMD64.digest, ARM64.digest} <= scene.alive
    # Nobody can say that the first DELETE is not carried out yet.
    assert results(applied, **NAMES)["index"] == "unknown"
    assert applied.exit_code is ExitCode.PARTIAL


def test_a_deletion_carried_out_late_is_found_and_counted_as_ours(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.LOST, done=False, status=502)
    late = (lambda: scene.registry.storage.remove(BUILD.digest), "pace", 2)
    scene.registry.on(late[1], late[0], nth=late[2])

    applied = scene.apply()

    assert scene.registry.deletes.count(BUILD.digest) == 1
    assert set(results(applied, **NAMES).values()) == {"deleted"}
    assert scene.alive == {LATEST.digest}


def test_a_signature_stands_beside_its_image_until_its_deletion_is_tried_again(
    scene: Scene,
) -> None:
    signed = signature(OTHER)
    scene.push(signed, cosign_tag(OTHER))
    scene.later(days=2)
    scene.registry.answer(DeletionResult.LOST, nth=5, done=False, status=502)
    between: list[set[str]] = []
    scene.registry.on("pace", lambda: between.append(scene.alive), nth=2)

    applied = scene.apply()

    assert between == [{LATEST.digest, OTHER.digest, signed.digest}]
    assert scene.alive == {LATEST.digest}
    assert applied.exit_code is ExitCode.OK


def test_what_is_lost_three_times_stays_unknown_until_the_next_run(scene: Scene) -> None:
    for nth in (1, 3, 4):
        scene.registry.answer(DeletionResult.LOST, nth=nth, done=False, status=502)

    applied = scene.apply()
    open_before = set(open_intents(scene.records))
    sent = scene.registry.deletes.count(BUILD.digest)
    again = scene.apply()

    assert sent == 3
    assert results(applied, **NAMES) == {
        "index": "unknown",
        "amd64": "skipped_referenced",
        "arm64": "skipped_referenced",
        "other": "deleted",
    }
    assert applied.exit_code is ExitCode.PARTIAL
    assert open_before == {f"ghcr.io/acme/web@{BUILD.digest}"}
    assert "resolve index not_done" in scene.story(**NAMES)
    assert again.resolved == 1
    assert again.exit_code is ExitCode.OK
    assert scene.alive == {LATEST.digest}


@pytest.mark.parametrize("error", [SILENCE, REFUSAL])
@pytest.mark.parametrize("done", [True, False])
def test_what_cannot_be_read_after_a_lost_answer_is_looked_at_again_at_the_end(
    scene: Scene, error: Exception, *, done: bool
) -> None:
    scene.registry.answer(DeletionResult.LOST, done=done, status=502)
    scene.registry.on("delete", lambda: scene.registry.fail("version", error))

    applied = scene.apply()

    assert set(results(applied, **NAMES).values()) == {"deleted"}
    assert scene.registry.deletes.count(BUILD.digest) == (1 if done else 2)
    assert applied.exit_code is ExitCode.OK


def test_a_refusal_by_a_limit_begins_the_component_anew_with_wait_and_look(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.REFUSED, nth=2, status=429)
    start = len(scene.registry.calls)

    applied = scene.apply()

    methods = [call.method for call in scene.registry.calls[start:]]
    second = len(methods) - methods[::-1].index("pace") - 1
    assert methods[second:] == ["pace", "newest", *["version"] * 3, *["delete"] * 3]
    assert scene.registry.deletes.count(AMD64.digest) == 2
    assert set(results(applied, **NAMES).values()) == {"deleted"}
    assert applied.exit_code is ExitCode.OK


def test_a_lock_broken_while_a_limit_was_waited_for_ends_the_run(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.REFUSED, nth=1, status=429)
    breaker = Holder("breaker", "hubot", "laptop", NOON)
    scene.registry.on("pace", lambda: break_locks("run-1", scene.state, breaker), nth=2)

    applied = scene.apply()

    assert len(scene.registry.deletes) == 1
    assert applied.exit_code is ExitCode.LOCKED
    assert BUILD.digest in scene.alive


def test_a_limit_that_refuses_for_ever_leaves_the_rest_with_its_reason(scene: Scene) -> None:
    for nth in range(1, 100):
        scene.registry.answer(
            DeletionResult.REFUSED, nth=nth, status=429, message="DELETE: 429, refused by a limit"
        )

    applied = scene.apply()

    assert len(scene.registry.deletes) == (1 + RETRIES) * MAX_REFUSALS
    assert applied.stopped == "10 times in a row: DELETE: 429, refused by a limit"
    assert set(results(applied, **NAMES).values()) == {"not_done"}
    assert applied.exit_code is ExitCode.PARTIAL
    assert open_intents(scene.records) == {}


def test_a_right_lost_on_the_way_ends_the_repository_with_all_of_it_recorded(
    scene: Scene,
) -> None:
    scene.registry.fail("delete", REFUSAL, nth=2)

    applied = scene.apply()

    assert results(applied, **NAMES) == {
        "index": "deleted",
        "amd64": "not_done",
        "arm64": "not_done",
        "other": "not_done",
    }
    assert scene.story(**NAMES)[-5:] == [
        "outcome index deleted",
        "outcome amd64 not_done",
        "outcome arm64 not_done",
        "outcome other not_done",
        "run_close",
    ]
    assert scene.records[-1].body["reason"] == "the token was revoked"
    assert applied.error is REFUSAL
    assert applied.exit_code is ExitCode.ACCESS
    assert len(scene.registry.deletes) == 2


def test_a_registry_that_falls_silent_between_components_ends_the_repository(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "TOGETHER", 3)
    scene.registry.fail("version", SILENCE, nth=4)

    applied = scene.apply()

    assert results(applied, **NAMES) == {
        "index": "deleted",
        "amd64": "deleted",
        "arm64": "deleted",
        "other": "not_done",
    }
    assert applied.exit_code is ExitCode.EVIDENCE_INCOMPLETE
    assert applied.error
    assert "Nothing was deleted" not in applied.error.hint
    assert open_intents(scene.records) == {}


def test_newest_versions_that_cannot_be_read_mean_no_deletion(scene: Scene) -> None:
    scene.registry.fail("newest", SILENCE)

    applied = scene.apply()

    assert scene.registry.deletes == []
    assert set(results(applied, **NAMES).values()) == {"not_done"}
    counts = {"not_done": 4}
    assert scene.records[-1].body == {"counts": counts, "reason": "ghcr.io gave no answer"}
    assert open_intents(scene.records) == {}
    assert applied.stopped == "ghcr.io gave no answer"
    assert applied.exit_code is ExitCode.EVIDENCE_INCOMPLETE


def test_a_new_version_without_a_readable_manifest_means_no_deletion(scene: Scene) -> None:
    fresh = index(AMD64, image("newer"))

    def push_unreadable() -> None:
        scene.push(fresh, "v2")
        scene.registry.on("manifests", lambda: scene.registry.storage.remove(fresh.digest))

    scene.registry.on("newest", push_unreadable)

    applied = scene.apply()

    assert scene.registry.deletes == []
    assert applied.exit_code is ExitCode.EVIDENCE_INCOMPLETE


@pytest.mark.parametrize("method", ["listing", "manifests"])
def test_an_inventory_that_cannot_be_read_means_no_deletion_and_no_record(
    scene: Scene, method: str
) -> None:
    plan = scene.plan()
    scene.registry.fail(method, SILENCE)

    applied = scene.apply(plan)

    assert applied.error is SILENCE
    assert applied.exit_code is ExitCode.EVIDENCE_INCOMPLETE
    assert scene.records == []
    assert scene.registry.deletes == []


def test_intents_that_are_not_durable_mean_no_deletion(
    scene: Scene, break_append: Callable[..., None]
) -> None:
    break_append(nth=2)

    applied = scene.apply()

    assert isinstance(applied.error, StateError)
    assert applied.exit_code is ExitCode.STATE_BROKEN
    assert scene.story() == ["run_open"]
    assert scene.registry.deletes == []


def test_outcomes_that_are_not_durable_end_the_run_and_are_found_by_the_next(
    scene: Scene, break_append: Callable[..., None]
) -> None:
    break_append(nth=3)

    applied = scene.apply()
    scene.apply()

    assert applied.exit_code is ExitCode.STATE_BROKEN
    assert results(applied, **NAMES) == {
        "index": "deleted",
        "amd64": "deleted",
        "arm64": "deleted",
        "other": "deleted",
    }
    assert scene.alive == {LATEST.digest}
    assert [line for line in scene.story(**NAMES) if line.startswith("resolve")] == [
        "resolve index deleted",
        "resolve amd64 deleted",
        "resolve arm64 deleted",
        "resolve other deleted",
    ]
