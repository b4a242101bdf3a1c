"""What the registry will not delete is reported, remembered, and does not hold up the rest."""

import pytest

from reconciler.errors import ExitCode
from reconciler.model.causes import Cause
from reconciler.model.ports import DeletionResult
from reconciler.state.local import LocalRepositoryState
from tests.support.documents import artifact, cosign_tag, image, index, signature
from tests.support.process_death import Killed
from tests.support.sample_manifests import LATEST, OTHER
from tests.support.scenes import Scene, policy, results

AMD64 = image("pr 7")
BUILD = index(AMD64)
SIGNATURE = signature(BUILD)
BUNDLE = artifact("bundle", subject=BUILD)
POPULAR = "Publicly visible package versions with more than 5000 downloads cannot be deleted."
NAMES = {"index": BUILD, "amd64": AMD64, "sig": SIGNATURE, "bundle": BUNDLE, "other": OTHER}


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and a signed one that goes."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.push(SIGNATURE, cosign_tag(BUILD))
    scene.push(BUNDLE)
    scene.later(hours=1)
    scene.push(OTHER, "pr-8")
    scene.later(days=2)


def test_a_refused_image_keeps_its_children_and_gets_its_signatures_back(scene: Scene) -> None:
    scene.registry.refuses[BUILD.digest] = POPULAR

    applied = scene.apply()

    assert results(applied, **NAMES) == {
        "index": "retained",
        "amd64": "skipped_referenced",
        "sig": "restored",
        "bundle": "restored",
        "other": "deleted",
    }
    assert scene.registry.storage.tags[cosign_tag(BUILD)] == SIGNATURE.digest
    assert BUNDLE.digest in scene.alive
    assert applied.exit_code is ExitCode.OK


def test_the_journal_tells_deletion_refusal_and_restoration_in_their_order(scene: Scene) -> None:
    scene.registry.refuses[BUILD.digest] = POPULAR

    scene.apply()

    told = [line for line in scene.story(**NAMES) if line.startswith("outcome")]
    assert told == [
        "outcome sig deleted",
        "outcome bundle deleted",
        "outcome index retained",
        "outcome bundle restored",
        "outcome sig restored",
        "outcome amd64 skipped_referenced",
        "outcome other deleted",
    ]
    refusal = next(record for record in scene.records if record.body.get("result") == "retained")
    assert refusal.body["reason"] == POPULAR
    assert refusal.body["status"] == 400


def test_a_refusal_is_shown_in_later_plans_and_not_tried_again(scene: Scene) -> None:
    scene.registry.refuses[BUILD.digest] = POPULAR
    scene.apply()
    sent = len(scene.registry.deletes)

    (part,) = scene.plan().repositories
    applied = scene.apply()

    assert [(kept.tags, kept.cause, kept.reasons[0]) for kept in part.retained] == [
        (("pr-7",), Cause.RETAINED, f"the registry refused: {POPULAR}")
    ]
    assert part.changes == ()
    assert len(scene.registry.deletes) == sent
    assert applied.exit_code is ExitCode.OK


@pytest.fixture
def unnoted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Leave what a run leaves that is refused, and killed before it notes that."""

    def dying(*_: object) -> None:
        raise Killed

    scene.registry.visibility = "public"
    scene.registry.refuses[BUILD.digest] = POPULAR
    with monkeypatch.context() as patch:
        patch.setattr(LocalRepositoryState, "save_observations", dying)
        with pytest.raises(Killed):
            scene.apply()
    assert scene.seen(BUILD.digest) is None
    return scene


def test_a_refusal_is_remembered_of_a_run_that_was_killed_before_it_noted_that(
    unnoted: Scene,
) -> None:
    sent = len(unnoted.registry.deletes)

    (part,) = unnoted.plan().repositories
    unnoted.apply()
    noted = unnoted.seen(BUILD.digest)

    assert [kept.tags for kept in part.retained] == [("pr-7",)]
    assert len(unnoted.registry.deletes) == sent
    assert noted
    assert noted.retained == POPULAR


def test_a_plan_of_before_tries_no_refusal_again(unnoted: Scene) -> None:
    unnoted.retry_refused = True
    plan = unnoted.plan()
    unnoted.retry_refused = False
    sent = len(unnoted.registry.deletes)

    applied = unnoted.apply(plan)

    assert results(applied, **NAMES)["index"] == "skipped_changed"
    assert len(unnoted.registry.deletes) == sent


def test_a_refusal_is_tried_again_when_that_is_asked_for(scene: Scene) -> None:
    scene.registry.refuses[BUILD.digest] = POPULAR
    scene.apply()
    scene.registry.refuses.clear()
    scene.retry_refused = True

    applied = scene.apply()

    assert results(applied, **NAMES)["index"] == "deleted"


def test_what_is_refused_once_more_is_remembered_once_more(scene: Scene) -> None:
    scene.registry.refuses[BUILD.digest] = POPULAR
    scene.apply()
    scene.retry_refused = True
    again = scene.apply()
    scene.retry_refused = False

    (part,) = scene.plan().repositories

    assert results(again, **NAMES)["index"] == "retained"
    assert [kept.tags for kept in part.retained] == [("pr-7",)]


def test_a_refusal_without_words_is_remembered_too(scene: Scene) -> None:
    scene.registry.answer(DeletionResult.RETAINED, nth=3, status=400)
    scene.apply()

    (part,) = scene.plan().repositories

    assert [kept.reasons[0] for kept in part.retained] == [
        "the registry refused: it gave no reason"
    ]


def test_a_refusal_is_tried_again_once_the_tags_change(scene: Scene) -> None:
    scene.registry.refuses[BUILD.digest] = POPULAR
    scene.apply()
    scene.registry.refuses.clear()
    scene.registry.storage.untag("pr-7")

    applied = scene.apply()

    assert results(applied, **NAMES)["index"] == "deleted"


def test_a_refusal_is_tried_again_once_the_visibility_changes(scene: Scene) -> None:
    scene.registry.visibility = "public"
    scene.registry.refuses[BUILD.digest] = POPULAR
    scene.apply()
    same = scene.apply()
    scene.registry.refuses.clear()
    scene.registry.visibility = "private"

    applied = scene.apply()

    assert same.outcomes == ()
    assert results(applied, **NAMES)["index"] == "deleted"


def test_a_refusal_of_an_image_whose_tag_had_moved_on_is_not_tried_again(scene: Scene) -> None:
    scene.policy = policy(rules=[{"name": "old", "match": {"any": True}, "keep": {"last": 2}}])
    scene.apply()
    scene.push(image("latest, newer"), "latest")
    scene.registry.refuses[LATEST.digest] = POPULAR
    refused = scene.apply()
    sent = len(scene.registry.deletes)

    again = scene.apply()

    assert results(refused, **NAMES, latest=LATEST)["latest"] == "retained"
    assert again.outcomes == ()
    assert len(scene.registry.deletes) == sent


def test_the_last_tagged_version_is_kept_by_the_registry_and_the_run_is_green(
    scene: Scene,
) -> None:
    scene.policy = policy(
        protect=[],
        rules=[{"name": "all", "match": {"any": True}, "keep": {"none": True}}],
        guards={"max_delete_percent": 100, "never_empty": False},
    )

    applied = scene.apply()

    assert scene.registry.storage.tags == {"pr-8": OTHER.digest}
    assert applied.exit_code is ExitCode.OK


def test_a_refused_child_goes_without_its_index_and_keeps_its_own_signature(
    scene: Scene,
) -> None:
    signed = artifact("sbom", subject=AMD64)
    scene.push(signed)
    scene.later(days=2)
    scene.registry.refuses[AMD64.digest] = POPULAR

    applied = scene.apply()

    ended = results(applied, **NAMES, sbom=signed)
    assert ended["index"] == "deleted"
    assert ended["amd64"] == "retained"
    assert ended["sbom"] == "restored"


def test_a_refused_signature_does_not_keep_what_it_signs(scene: Scene) -> None:
    scene.registry.refuses[SIGNATURE.digest] = POPULAR

    applied = scene.apply()

    ended = results(applied, **NAMES)
    assert ended["sig"] == "retained"
    assert ended["index"] == "deleted"


def test_a_registry_without_undo_restores_nothing_and_says_what_is_lost(plain: Scene) -> None:
    plain.policy = policy(guards={"max_delete_percent": 100, "min_age": "0h"})
    plain.push(LATEST, "latest")
    plain.push(BUILD, "pr-7")
    plain.push(SIGNATURE, cosign_tag(BUILD))
    plain.registry.answer(DeletionResult.RETAINED, nth=2, status=405, message="not allowed")

    applied = plain.apply()

    assert results(applied, **NAMES) == {
        "sig": "deleted",
        "index": "retained",
        "amd64": "skipped_referenced",
    }
