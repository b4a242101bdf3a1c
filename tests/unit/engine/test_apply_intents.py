"""However much there is to write down of a version, its records stay within their size."""

from reconciler.errors import ExitCode
from reconciler.model.journal import MAX_RECORD_BYTES, Result
from reconciler.model.names import Tag
from tests.support.documents import image
from tests.support.process_death import Killed
from tests.support.sample_manifests import LATEST
from tests.support.scenes import Scene, results
from tests.support.undoing import undo

BUSY = image("busy")
TAGS = tuple(Tag(f"pr-{number:0125}") for number in range(600))
"""Of the greatest length that a tag may have; their names alone fill more than one record."""


def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and one with very many tags, which goes."""
    scene.push(LATEST, "latest")
    scene.push(BUSY, *TAGS)
    scene.later(days=2)


def test_an_image_with_hundreds_of_long_tags_goes_as_any_other(scene: Scene) -> None:
    pushed(scene)

    applied = scene.apply()

    assert results(applied, busy=BUSY) == {"busy": "deleted"}
    assert all(len(record.to_line()) <= MAX_RECORD_BYTES for record in scene.records)


def test_an_intent_counts_the_tags_it_has_no_room_for(scene: Scene) -> None:
    pushed(scene)

    scene.apply()

    intent = next(record for record in scene.records if record.type == "intent")
    named = intent.body["tags"]
    assert named == list(TAGS[: len(named)])
    assert len(named) >= 150
    assert intent.body["more_tags"] == 600 - len(named)


def test_what_a_killed_run_meant_with_it_is_resolved(scene: Scene) -> None:
    pushed(scene)
    scene.registry.fail("delete", Killed())
    try:
        scene.apply()
    except Killed:
        applied = scene.apply()

    assert (applied.resolved, applied.exit_code) == (1, ExitCode.OK)
    # The record has no room for all of its tags, so that those left out may have come since.
    assert scene.alive == {LATEST.digest, BUSY.digest}
    scene.later(days=2)
    scene.apply()
    assert scene.alive == {LATEST.digest}


def test_it_comes_back_with_all_its_tags(scene: Scene) -> None:
    pushed(scene)
    scene.apply()

    undone = undo(scene)

    assert [outcome.result for outcome in undone.outcomes] == [Result.RESTORED]
    assert {
        tag for tag, digest in scene.registry.storage.tags.items() if digest == BUSY.digest
    } == {*TAGS}


def test_a_refusal_of_it_is_not_tried_again(scene: Scene) -> None:
    pushed(scene)
    scene.registry.refuses[BUSY.digest] = "more than 5000 downloads"
    scene.apply()

    again = scene.apply()

    assert again.outcomes == ()
    assert len(scene.registry.deletes) == 1
