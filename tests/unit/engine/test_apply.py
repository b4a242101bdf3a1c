"""The way an apply should go: locked, recorded before and after, once."""

from pathlib import Path

import pytest

from reconciler.errors import ExitCode, LockedError
from reconciler.model.journal import open_intents, open_runs
from reconciler.model.ports import Holder
from tests.support.documents import Document, artifact, cosign_tag, signature
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST
from tests.support.scenes import NOON, WEB, Scene, policy, results


def _pushed(scene: Scene, *more: Document) -> None:
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    for document in more:
        scene.push(document)
    scene.later(days=2)


def test_a_deletion_is_recorded_before_it_is_sent_and_after_it_is_answered(scene: Scene) -> None:
    _pushed(scene)

    applied = scene.apply()

    assert scene.story(index=BUILD, amd64=AMD64, arm64=ARM64) == [
        "run_open",
        "intent index",
        "intent amd64",
        "intent arm64",
        "outcome index deleted",
        "outcome amd64 deleted",
        "outcome arm64 deleted",
        "run_close",
    ]
    assert applied.exit_code is ExitCode.OK
    assert scene.alive == {LATEST.digest}


def test_all_intents_are_durable_when_the_first_deletion_is_sent(scene: Scene) -> None:
    _pushed(scene)
    written: list[str] = []
    scene.registry.on("delete", lambda: written.extend(scene.story(index=BUILD, a=AMD64, b=ARM64)))

    scene.apply()

    assert set(written) == {"run_open", "intent index", "intent a", "intent b"}


def test_an_index_goes_before_what_it_lists_and_a_signature_before_what_it_signs(
    scene: Scene,
) -> None:
    signed = signature(BUILD)
    bundle = artifact("sbom", subject=AMD64)
    _pushed(scene, bundle)
    scene.push(signed, cosign_tag(BUILD))
    scene.later(days=2)

    scene.apply()

    order = scene.registry.deletes
    assert len(order) == 5
    assert order.index(signed.digest) < order.index(BUILD.digest) < order.index(AMD64.digest)
    assert order.index(bundle.digest) < order.index(AMD64.digest)


def test_a_run_names_its_plan_and_counts_what_it_did(scene: Scene) -> None:
    _pushed(scene)
    plan = scene.plan()

    applied = scene.apply(plan)

    opened, *_, closed = scene.records
    assert opened.body == {
        "who": "octocat@runner-7",
        "plan": plan.digest,
        "policy": "web",
        "changes": 3,
        "undo_days": 30,
    }
    assert closed.body == {"counts": {"deleted": 3}, "reason": "done"}
    assert {record.run for record in scene.records} == {"run-1"}
    assert applied.head == closed.hash


def test_an_intent_says_what_goes_and_why(scene: Scene) -> None:
    _pushed(scene)

    scene.apply()

    intent = next(record for record in scene.records if record.type == "intent")
    assert intent.body == {
        "key": f"ghcr.io/acme/web@{BUILD.digest}",
        "digest": BUILD.digest,
        "version_id": "1004",
        "action": "delete",
        "component": 1,
        "tags": ["pr-7"],
        "children": [AMD64.digest, ARM64.digest],
        "subject": "",
        "cause": "expired",
        "rules": ["previews"],
        "reasons": ["previews: none"],
    }


def test_every_outcome_is_reported_as_it_happens(scene: Scene) -> None:
    _pushed(scene)

    scene.apply()

    assert [str(outcome.result) for outcome in scene.reported] == ["deleted"] * 3


def test_nothing_to_do_appends_nothing(scene: Scene) -> None:
    scene.push(LATEST, "latest")

    applied = scene.apply()

    assert applied.exit_code is ExitCode.OK
    assert scene.records == []
    assert scene.registry.about("check_deletion") == []


def test_a_second_apply_of_the_same_plan_deletes_nothing(scene: Scene) -> None:
    _pushed(scene)
    plan = scene.plan()
    scene.apply(plan)
    before = scene.records

    again = scene.apply(plan)

    assert len(scene.registry.deletes) == 3
    assert results(again, index=BUILD, amd64=AMD64, arm64=ARM64) == {
        "index": "absent",
        "amd64": "absent",
        "arm64": "absent",
    }
    assert again.exit_code is ExitCode.OK
    assert scene.records == before


def test_what_a_person_deleted_meanwhile_is_absent_and_no_failure(scene: Scene) -> None:
    _pushed(scene)
    plan = scene.plan()
    scene.registry.storage.remove(BUILD.digest)

    applied = scene.apply(plan)

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64) == {
        "index": "absent",
        "amd64": "deleted",
        "arm64": "deleted",
    }
    assert applied.exit_code is ExitCode.OK


def test_what_a_person_deletes_at_the_last_moment_is_absent_as_well(scene: Scene) -> None:
    _pushed(scene)
    scene.registry.on("pace", lambda: scene.registry.storage.remove(BUILD.digest))

    applied = scene.apply()

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64)["index"] == "absent"
    assert BUILD.digest not in scene.registry.deletes


def test_a_component_is_looked_at_as_one_and_then_deleted_without_a_pause(scene: Scene) -> None:
    _pushed(scene)

    scene.apply()

    methods = [call.method for call in scene.registry.calls]
    start = methods.index("pace")
    assert methods[start:] == ["pace", "newest", *["version"] * 3, *["delete"] * 3]
    assert scene.registry.about("pace") == [("3",)]


def test_a_lock_held_by_another_is_named_and_nothing_is_done(scene: Scene) -> None:
    _pushed(scene)
    plan = scene.plan()
    calls = len(scene.registry.calls)
    other = Holder("run-9", "hubot", "runner-1", NOON)

    with scene.state.of(WEB).lock(other):
        applied = scene.apply(plan)

    assert isinstance(applied.error, LockedError)
    assert "run-9 (hubot on runner-1" in str(applied.error)
    assert applied.exit_code is ExitCode.LOCKED
    assert len(scene.registry.calls) == calls
    assert scene.records == []


def test_a_missing_right_is_found_before_anything_is_recorded(scene: Scene) -> None:
    _pushed(scene)
    scene.registry.forbids_deletion = True

    applied = scene.apply()

    assert applied.exit_code is ExitCode.ACCESS
    assert str(applied.error) == "the token may not delete"
    assert scene.records == []
    assert scene.registry.deletes == []


def test_after_a_run_no_intent_and_no_run_is_open(scene: Scene) -> None:
    _pushed(scene)

    scene.apply()

    assert open_intents(scene.records) == {}
    assert open_runs(scene.records) == []


@pytest.mark.parametrize("closed", [True, False])
def test_versions_are_remembered_until_they_are_deleted(place: Path, *, closed: bool) -> None:
    scene = Scene(place, policy(guards={"max_delete_percent": 100, "min_age": "0h"}), closed=closed)
    _pushed(scene)
    scene.apply(scene.plan())

    seen = {digest: scene.seen(digest) is not None for digest in (LATEST.digest, BUILD.digest)}

    assert seen == {LATEST.digest: True, BUILD.digest: False}
