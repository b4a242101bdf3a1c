"""What changes between plan and deletion can only spare; a plan is an upper bound."""

import pytest

from reconciler.engine import delete
from reconciler.errors import ExitCode, PlanError
from tests.support.documents import Document, artifact, cosign_tag, image, index, signature
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST
from tests.support.scenes import Scene, policy, results

NEWER = index(AMD64, image("newer"))
OLD = image("old")


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and one that goes."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)


def test_an_image_tagged_since_the_plan_is_spared_with_its_children(scene: Scene) -> None:
    plan = scene.plan()
    scene.registry.storage.retag("keep-me", BUILD.digest)

    applied = scene.apply(plan)

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64) == {
        "index": "skipped_changed",
        "amd64": "skipped_referenced",
        "arm64": "skipped_referenced",
    }
    assert [drop.reason for drop in applied.dropped if drop.result == "skipped_changed"] == [
        "tag keep-me was added"
    ]
    assert applied.exit_code is ExitCode.OK
    assert scene.records == []


def test_an_image_whose_tag_moved_on_is_spared_although_today_it_would_go_too(
    scene: Scene,
) -> None:
    plan = scene.plan()
    scene.push(image("pr 7 again"), "pr-7")

    applied = scene.apply(plan)

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64)["index"] == "skipped_changed"
    assert scene.registry.deletes == []


def test_a_tag_given_at_the_last_moment_spares_the_whole_component(scene: Scene) -> None:
    scene.registry.on("pace", lambda: scene.registry.storage.retag("keep-me", AMD64.digest))

    applied = scene.apply()

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64) == {
        "index": "skipped_referenced",
        "amd64": "skipped_changed",
        "arm64": "skipped_referenced",
    }
    assert scene.registry.deletes == []
    assert applied.exit_code is ExitCode.OK


def test_a_child_that_a_new_index_lists_since_the_plan_is_spared(scene: Scene) -> None:
    plan = scene.plan()
    scene.push(NEWER, "v2")

    applied = scene.apply(plan)

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64) == {
        "index": "deleted",
        "amd64": "skipped_referenced",
        "arm64": "deleted",
    }
    assert applied.exit_code is ExitCode.OK


def test_a_child_that_an_index_lists_since_the_listing_is_spared(scene: Scene) -> None:
    scene.registry.on("newest", lambda: scene.push(NEWER, "v2"))

    applied = scene.apply()

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64) == {
        "index": "deleted",
        "amd64": "skipped_referenced",
        "arm64": "deleted",
    }


def test_a_child_that_an_index_in_a_new_index_lists_is_spared(scene: Scene) -> None:
    scene.registry.on("newest", lambda: scene.push(index(NEWER), "v2"))

    scene.apply()

    assert AMD64.digest in scene.alive


def test_a_new_index_over_an_old_one_spares_all_that_the_old_one_lists(scene: Scene) -> None:
    scene.registry.on("newest", lambda: scene.push(index(BUILD), "v2"))

    scene.apply()

    assert scene.registry.deletes == []


def test_each_batch_looks_at_the_newest_versions_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete, "BATCH", 1)
    scene.later(days=1)
    other = index(image("pr 8"))
    scene.push(other, "pr-8")
    scene.later(days=2)
    newer = index(*other.children, image("more"))
    scene.registry.on("newest", lambda: scene.push(newer, "v2"), nth=2)

    scene.apply()

    assert len(scene.registry.about("newest")) == 2
    assert scene.registry.deletes[:3] == [BUILD.digest, AMD64.digest, ARM64.digest]
    assert {child.digest for child in other.children} <= scene.alive
    assert other.digest not in scene.alive


@pytest.mark.parametrize("when", ["before the apply", "during it"])
def test_a_signature_that_appears_spares_what_it_signs(scene: Scene, when: str) -> None:
    plan = scene.plan()

    def sign() -> None:
        scene.push(signature(BUILD), cosign_tag(BUILD))

    if when == "before the apply":
        sign()
    else:
        scene.registry.on("newest", sign)

    scene.apply(plan)

    assert {BUILD.digest, AMD64.digest, ARM64.digest} <= scene.alive
    assert signature(BUILD).digest in scene.alive


def test_a_referrer_that_appears_during_the_apply_spares_its_subject(scene: Scene) -> None:
    scene.registry.on("newest", lambda: scene.push(artifact("sbom", subject=BUILD)))

    scene.apply()

    assert {BUILD.digest, AMD64.digest, ARM64.digest} <= scene.alive


@pytest.mark.parametrize("speaking", [signature(OLD), artifact("sbom", subject=OLD)])
def test_what_speaks_of_an_image_that_is_pushed_again_is_spared(
    scene: Scene, speaking: Document
) -> None:
    scene.policy = policy(
        rules=[{"name": "most", "match": {"any": True, "without": ["v*"]}, "keep": {"none": True}}]
    )
    scene.push(speaking, *([] if b"subject" in speaking.content else [cosign_tag(OLD)]))
    scene.later(days=2)
    scene.registry.on("newest", lambda: scene.push(OLD, "v1"))

    scene.apply()

    assert speaking.digest in scene.alive
    assert BUILD.digest not in scene.alive


def test_a_protection_of_today_wins_over_the_plan(scene: Scene) -> None:
    plan = scene.plan()
    scene.policy = policy(protect=[{"name": "reviews", "match": {"tags": ["pr-7"]}}])

    applied = scene.apply(plan)

    (kept,) = (drop for drop in applied.dropped if drop.change.digest == BUILD.digest)
    assert kept.result == "skipped_changed"
    assert kept.reason == "now kept (protected): reviews: all; previews: none"
    assert scene.registry.deletes == []
    assert applied.exit_code is ExitCode.OK


def test_what_only_the_policy_of_today_lets_go_is_not_deleted(scene: Scene) -> None:
    plan = scene.plan()
    scene.policy = policy(
        protect=[], rules=[{"name": "all", "match": {"any": True}, "keep": {"last": 1}}]
    )
    scene.push(image("newest"), "newest")

    scene.apply(plan)

    assert LATEST.digest in scene.alive


def test_what_grew_old_since_the_plan_is_not_deleted(scene: Scene) -> None:
    young = image("young")
    scene.push(young, "pr-9")
    plan = scene.plan()
    scene.later(days=2)

    scene.apply(plan)

    assert young.digest in scene.alive


def test_a_plan_of_which_no_policy_names_anything_is_refused_before_anything_is_asked(
    scene: Scene,
) -> None:
    plan = scene.plan().model_copy(update={"policy_paths": ("teams/web",)})
    calls = len(scene.registry.calls)
    scene.policy = None

    with pytest.raises(PlanError) as refused:
        scene.apply(plan)

    assert "no policy found here names ghcr.io/acme/web" in str(refused.value)
    assert "--policies the files that it was made from: teams/web." in refused.value.hint
    assert len(scene.registry.calls) == calls


def test_what_a_person_restored_with_another_id_is_compared_as_it_is_now(scene: Scene) -> None:
    plan = scene.plan()
    scene.registry.storage.remove(BUILD.digest)
    scene.later(hours=1)
    scene.push(BUILD, "pr-7")

    applied = scene.apply(plan)

    assert results(applied, index=BUILD, amd64=AMD64, arm64=ARM64)["index"] == "skipped_changed"
    assert BUILD.digest in scene.alive
