"""Tags come back where they are free, and are never taken from another image."""

import pytest

from reconciler.errors import AccessError, ExitCode, StoppedError
from tests.support.sample_manifests import OTHER
from tests.support.scenes import Scene, results
from tests.support.undoing import (
    NAMES,
    NEWER,
    deleted,
    draw,
    planned,
    reasons,
    undo,
    warnings,
)


@pytest.fixture(autouse=True)
def _emptied(scene: Scene) -> None:
    deleted(scene)


def test_a_tag_that_moved_stays_where_it_is_and_is_reported(scene: Scene) -> None:
    scene.push(NEWER, "pr-8")

    plan = draw(scene)
    applied = undo(scene, plan)

    assert scene.registry.storage.tags["pr-8"] == NEWER.digest
    assert scene.registry.storage.tags["preview"] == OTHER.digest
    short = OTHER.hex[:12]
    assert warnings(plan) == [f"tag pr-8 of {short} now points to {NEWER.digest}, and stays there"]
    assert reasons(applied, **NAMES)["other"] == f"tag pr-8: it stays on {NEWER.digest}"
    assert applied.exit_code is ExitCode.OK


def test_tags_that_do_not_come_back_are_attached_on_request(scene: Scene) -> None:
    scene.registry.on("version", lambda: scene.registry.storage.untag("preview"))

    applied = undo(scene, retag=True)

    assert scene.registry.storage.tags["preview"] == OTHER.digest
    assert reasons(applied, **NAMES)["other"] == ""
    assert scene.registry.about("tag") == [(OTHER.digest, "preview")]


def test_without_the_request_missing_tags_are_told_and_can_be_attached_later(
    scene: Scene,
) -> None:
    scene.registry.on("version", lambda: scene.registry.storage.untag("preview"))
    told = undo(scene)

    later = draw(scene, retag=True)
    undo(scene, later, name="undo-2")

    assert reasons(told, **NAMES)["other"] == "tag preview: did not come back; --retag attaches it"
    assert planned(later, **NAMES) == ["other"]
    assert scene.registry.storage.tags["preview"] == OTHER.digest
    assert len(scene.registry.about("restore")) == 5


def test_a_run_that_must_stop_while_it_attaches_a_tag_lets_the_next_one_find_out(
    scene: Scene,
) -> None:
    scene.registry.on("version", lambda: scene.registry.storage.untag("preview"))
    scene.registry.fail("tag", StoppedError("interrupted"))

    first = undo(scene, retag=True)
    undo(scene, draw(scene, retag=True), name="undo-2")

    assert results(first, **NAMES)["other"] == "unknown"
    assert first.stopped == "interrupted"
    assert scene.registry.storage.tags["preview"] == OTHER.digest


def test_a_tag_that_somebody_takes_right_before_is_not_stolen(scene: Scene) -> None:
    scene.registry.on("version", lambda: scene.registry.storage.untag("preview"))
    scene.registry.on("tag", lambda: scene.push(NEWER, "preview"))

    applied = undo(scene, retag=True)

    assert scene.registry.storage.tags["preview"] == NEWER.digest
    assert reasons(applied, **NAMES)["other"] == f"tag preview: it stays on {NEWER.digest}"


def test_who_may_not_attach_tags_gets_all_images_back_and_the_advice(scene: Scene) -> None:
    storage = scene.registry.storage
    scene.registry.on("version", lambda: storage.untag("preview"))
    refusal = AccessError("the registry refuses to attach a tag", hint="Give it the right to.")
    scene.registry.fail("tag", refusal)

    applied = undo(scene, retag=True)

    assert set(results(applied, **NAMES).values()) == {"restored"}
    assert applied.error is refusal
    assert applied.exit_code is ExitCode.ACCESS
