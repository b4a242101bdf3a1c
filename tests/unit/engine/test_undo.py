"""An undo brings back what a run deleted, children first, with its tags, and holds it."""

import pytest

from reconciler.errors import AccessError, EvidenceError, ExitCode, PlanError, StoppedError
from reconciler.model.journal import open_intents, open_runs
from reconciler.model.plan import RestorePlan, read_plan
from tests.support.documents import cosign_tag
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST, OTHER
from tests.support.scenes import Scene, policy, results
from tests.support.undoing import (
    NAMES,
    SIGNED,
    deleted,
    draw,
    planned,
    undo,
    warnings,
)

DAY = 86_400


@pytest.fixture(autouse=True)
def _emptied(scene: Scene) -> None:
    deleted(scene)


def test_everything_comes_back_with_its_tags(scene: Scene) -> None:
    applied = undo(scene)

    assert set(results(applied, **NAMES).values()) == {"restored"}
    assert scene.alive == {one.digest for one in (LATEST, BUILD, AMD64, ARM64, SIGNED, OTHER)}
    assert scene.registry.storage.tags == {
        "latest": LATEST.digest,
        "pr-7": BUILD.digest,
        cosign_tag(BUILD): SIGNED.digest,
        "pr-8": OTHER.digest,
        "preview": OTHER.digest,
    }
    assert applied.exit_code is ExitCode.OK


def test_children_come_before_what_lists_them_and_a_subject_before_its_signature(
    scene: Scene,
) -> None:
    plan = draw(scene)

    undo(scene, plan)

    assert planned(plan, **NAMES) == ["other", "arm64", "amd64", "index", "signature"]
    sent = [digest for about in scene.registry.about("restore") for digest in about]
    assert sent == [change.digest for change in plan.repositories[0].changes]


def test_the_plan_says_why_each_was_deleted_and_how_long_it_can_be_restored(scene: Scene) -> None:
    scene.later(days=10)

    change = draw(scene).repositories[0].changes[0]

    assert change.action == "restore"
    assert change.observed.tags == ("pr-8", "preview")
    assert change.reasons == ("previews: none",)
    assert change.until
    assert round((change.until - scene.time.now).total_seconds() / DAY) == 20


def test_a_restore_plan_can_be_saved_and_applied_later(scene: Scene) -> None:
    saved = read_plan(draw(scene).to_bytes())
    assert isinstance(saved, RestorePlan)
    scene.later(days=1)

    undo(scene, saved)

    assert BUILD.digest in scene.alive


def test_each_restoration_is_recorded_before_it_is_sent_and_after(scene: Scene) -> None:
    before = len(scene.records)

    undo(scene)

    told = scene.story(**NAMES)[before:]
    assert told[:4] == ["run_open", "hold", "intent other", "intent arm64"]
    assert told[7:] == [
        "outcome other restored",
        "outcome arm64 restored",
        "outcome amd64 restored",
        "outcome index restored",
        "outcome signature restored",
        "run_close",
    ]
    opened = scene.records[before]
    assert opened.body["undoes"] == "run-1"
    assert opened.body["who"] == "octocat@runner-7"
    assert scene.records[-1].body == {"counts": {"restored": 5}, "reason": "done"}


def test_undoing_again_does_nothing_and_writes_nothing(scene: Scene) -> None:
    plan = draw(scene)
    undo(scene, plan)
    written = len(scene.records)

    fresh = draw(scene)
    again = undo(scene, fresh)
    same = undo(scene, plan)

    assert planned(fresh, **NAMES) == []
    assert again.outcomes == ()
    assert set(results(same, **NAMES).values()) == {"skipped_changed"}
    assert same.exit_code is ExitCode.OK
    assert len(scene.records) == written


def test_only_one_tag_brings_back_what_its_image_needs_and_no_more(scene: Scene) -> None:
    undo(scene, draw(scene, only="pr-7"))

    assert scene.alive == {one.digest for one in (LATEST, BUILD, AMD64, ARM64, SIGNED)}


@pytest.mark.parametrize("length", [12, 64])
def test_only_one_digest_may_be_named_by_its_first_digits(scene: Scene, length: int) -> None:
    undo(scene, draw(scene, only=OTHER.hex[:length]))

    assert scene.alive == {LATEST.digest, OTHER.digest}


def test_a_platform_alone_can_come_back_alone(scene: Scene) -> None:
    undo(scene, draw(scene, only=AMD64.digest))

    assert scene.alive == {LATEST.digest, AMD64.digest}


@pytest.mark.parametrize(("run", "only"), [("run-1", "pr-9"), ("run-9", "")])
def test_what_no_run_deleted_cannot_be_undone(scene: Scene, run: str, only: str) -> None:
    with pytest.raises(PlanError, match=f"run {run} deleted nothing of that name"):
        draw(scene, run, only)


def test_what_was_pushed_again_meanwhile_needs_no_restoration(scene: Scene) -> None:
    scene.push(OTHER, "pr-8")

    applied = undo(scene)

    assert "other" not in results(applied, **NAMES)
    assert scene.registry.storage.tags["pr-8"] == OTHER.digest


def test_what_the_registry_no_longer_holds_is_told_and_the_rest_comes_back(scene: Scene) -> None:
    _forget(scene, OTHER.digest)

    plan = draw(scene)
    undo(scene, plan)

    assert warnings(plan) == [
        f"{OTHER.digest} cannot be restored: the registry can no longer restore it"
    ]
    assert scene.alive == {one.digest for one in (LATEST, BUILD, AMD64, ARM64, SIGNED)}


def test_after_the_window_the_plan_says_that_it_has_closed(scene: Scene) -> None:
    scene.later(days=31)
    scene.registry.storage.deleted.clear()

    plan = draw(scene)

    assert planned(plan, **NAMES) == []
    closed = "cannot be restored: the registry keeps deleted versions for 30 days"
    assert warnings(plan) == [f"5 versions, such as {OTHER.digest}, {closed}"]


def test_an_image_does_not_come_back_with_a_hole(scene: Scene) -> None:
    _forget(scene, ARM64.digest)

    plan = draw(scene)
    undo(scene, plan)

    assert {BUILD.digest, SIGNED.digest}.isdisjoint(scene.alive)
    hole = "cannot be restored: a manifest that it lists cannot be restored"
    assert f"{BUILD.digest} {hole}" in warnings(plan)


def test_what_expires_between_plan_and_undo_is_absent(scene: Scene) -> None:
    plan = draw(scene)
    _forget(scene, OTHER.digest)

    applied = undo(scene, plan)

    assert results(applied, **NAMES)["other"] == "absent"
    assert BUILD.digest in scene.alive


def test_who_may_not_restore_is_stopped_at_the_first(scene: Scene) -> None:
    scene.registry.fail("restore", AccessError("no right to restore"))

    applied = undo(scene)

    assert set(results(applied, **NAMES).values()) == {"not_done"}
    assert len(scene.registry.about("restore")) == 1
    assert applied.exit_code is ExitCode.ACCESS
    assert scene.records[-1].body["reason"] == "no right to restore"


def test_an_unknown_outcome_is_found_out_by_the_next_run(scene: Scene) -> None:
    scene.registry.fail("version", EvidenceError("no answer"))
    first = undo(scene)

    again = undo(scene, draw(scene), name="undo-2")

    assert results(first, **NAMES)["other"] == "unknown"
    assert first.exit_code is ExitCode.PARTIAL
    assert again.resolved == 1
    assert open_intents(scene.records) == {}
    assert "resolve other restored" in scene.story(**NAMES)


def test_what_a_failed_child_belongs_to_waits_for_the_next_undo(scene: Scene) -> None:
    gone = scene.registry.storage.deleted
    kept = dict(gone)
    scene.registry.on("restore", gone.clear, nth=2)

    first = undo(scene)
    gone.update(kept)
    again = undo(scene, draw(scene), name="undo-2")

    assert results(first, **NAMES) == {
        "other": "restored",
        "arm64": "failed",
        "amd64": "failed",
        "index": "not_done",
        "signature": "not_done",
    }
    assert first.exit_code is ExitCode.PARTIAL
    assert results(again, **NAMES)["index"] == "restored"


def test_a_run_that_must_stop_before_it_has_looked_lets_the_next_one_find_out(
    scene: Scene,
) -> None:
    scene.registry.fail("version", StoppedError("the time budget is used up"))

    first = undo(scene)
    again = undo(scene, draw(scene), name="undo-2")

    assert results(first, **NAMES)["other"] == "unknown"
    assert "resolve other restored" in scene.story(**NAMES)
    assert "other" not in results(again, **NAMES)


def test_a_run_that_must_stop_while_it_waits_has_sent_nothing(scene: Scene) -> None:
    scene.registry.fail("pace", StoppedError("interrupted"))

    applied = undo(scene)

    assert set(results(applied, **NAMES).values()) == {"not_done"}
    assert scene.registry.about("restore") == []


def test_a_halt_leaves_the_rest_to_the_next_undo(scene: Scene) -> None:
    halted = iter(["", "", "interrupted", "interrupted", "interrupted", "interrupted"])

    first = undo(scene, halt=lambda: next(halted))
    again = undo(scene, draw(scene), name="undo-2")

    assert first.stopped == "interrupted"
    assert list(results(first, **NAMES).values()).count("restored") == 1
    assert list(results(again, **NAMES).values()).count("restored") == 4
    assert open_runs(scene.records) == []


def test_a_registry_that_cannot_restore_says_so(plain: Scene) -> None:
    plain.push(LATEST, "latest")
    plain.push(OTHER, "pr-8")
    plain.policy = policy(guards={"min_age": "0h", "max_delete_percent": 100})
    plain.apply()

    plan = draw(plain)
    applied = undo(plain, plan)

    (part,) = plan.repositories
    assert part.error == "ghcr.io/acme/web: ghcr.io cannot restore what was deleted"
    assert plan.outcome is ExitCode.PLAN_REJECTED
    assert applied.outcomes == ()
    assert plain.registry.about("restore") == []


def _forget(scene: Scene, digest: str) -> None:
    """Have the registry drop a deleted version for good."""
    deleted = scene.registry.storage.deleted
    (number,) = [number for number, stored in deleted.items() if stored.digest == digest]
    del deleted[number]
