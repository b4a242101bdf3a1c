"""Parts of an image that its run left over go with the next one, whatever rules there are."""

import pytest

from reconciler.errors import ExitCode
from reconciler.model.ports import DeletionResult
from tests.support.documents import (
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)
from tests.support.fragile_state import Killed
from tests.support.scenes import RULES, Scene, policy, results

AMD64 = image("pr 7", platform="linux/amd64")
ARM64 = image("pr 7", platform="linux/arm64")
PROOF = attestation(AMD64)
BUILD = index(AMD64, ARM64, PROOF)
SIGNATURE = signature(BUILD)
SBOM = artifact("sbom", subject=AMD64)
LATEST = image("latest")
NAMES = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "proof": PROOF, "sig": SIGNATURE}
PREVIEWS = policy(rules=RULES[:1])
"""Knows `pr-*` and nothing else: no rule covers what has no tag."""

EAGER = policy(rules=RULES[:1], guards={"max_delete_percent": 100, "min_age": "0h"})


def killed_at(scene: Scene, nth: int) -> None:
    """Have a run die right before its nth deletion."""
    scene.registry.fail("delete", Killed(), nth=nth)
    with pytest.raises(Killed):
        scene.apply()


@pytest.fixture
def torn(scene: Scene) -> Scene:
    """Leave what a run leaves that dies after it has deleted an index."""
    scene.policy = PREVIEWS
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)
    killed_at(scene, 2)
    assert BUILD.digest not in scene.alive
    return scene


def test_the_children_of_a_deleted_index_go_with_the_next_run_although_no_rule_covers_them(
    torn: Scene,
) -> None:
    applied = torn.apply()

    assert torn.alive == {LATEST.digest}
    assert applied.exit_code is ExitCode.OK


SHARED = image("shared", platform="linux/s390x")
SHARED_PROOF = attestation(SHARED)
RICH = index(AMD64, ARM64, SHARED, PROOF, SHARED_PROOF)
STAYING = index(SHARED)
RICH_DELETIONS = 10
LISTED = artifact("listed", subject=RICH)


def fill(scene: Scene) -> None:
    """Push one of everything that goes with an index, and an index that shares a platform."""
    scene.policy = PREVIEWS
    scene.push(STAYING, "latest")
    scene.push(RICH, "pr-7", "pr-8")
    scene.push(AMD64, "pr-7-amd64")
    scene.push(signature(RICH), cosign_tag(RICH))
    scene.push(signature(ARM64), cosign_tag(ARM64))
    scene.push(SBOM)
    scene.push(index(LISTED), fallback_tag(RICH))
    scene.later(days=2)


def test_undisturbed_a_rich_image_takes_ten_deletions(scene: Scene) -> None:
    fill(scene)

    scene.apply()

    assert len(scene.registry.deletes) == RICH_DELETIONS
    assert scene.alive == {STAYING.digest, SHARED.digest}


@pytest.mark.parametrize("nth", range(1, RICH_DELETIONS + 1))
def test_killed_anywhere_the_next_run_ends_where_an_undisturbed_one_does(
    scene: Scene, nth: int
) -> None:
    fill(scene)
    killed_at(scene, nth)

    applied = scene.apply()

    assert scene.alive == {STAYING.digest, SHARED.digest}
    assert applied.exit_code is ExitCode.OK


def test_the_very_plan_that_was_being_applied_goes_on(scene: Scene) -> None:
    scene.policy = PREVIEWS
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)
    plan = scene.plan()
    scene.registry.fail("delete", Killed(), nth=3)
    with pytest.raises(Killed):
        scene.apply(plan)

    applied = scene.apply(plan)

    assert scene.alive == {LATEST.digest}
    assert applied.exit_code is ExitCode.OK


def test_a_plan_says_of_what_is_left_over_whose_deletion_it_belongs_to(torn: Scene) -> None:
    (part,) = torn.plan().repositories

    assert {change.reasons for change in part.changes if change.digest == ARM64.digest} == {
        (f"goes with {BUILD.digest}, which run run-1 deleted",)
    }


def test_an_attestation_whose_index_was_deleted_goes_although_its_platform_stays(
    scene: Scene,
) -> None:
    scene.policy = PREVIEWS
    other = index(AMD64)
    scene.push(other, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(days=2)
    killed_at(scene, 2)
    left = PROOF.digest in scene.alive

    scene.apply()

    assert left
    assert scene.alive == {other.digest, AMD64.digest}


def test_what_a_new_index_lists_stays_with_all_that_speaks_of_it(scene: Scene) -> None:
    scene.policy = PREVIEWS
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(hours=1)
    scene.push(SBOM)
    scene.later(days=2)
    killed_at(scene, 2)
    newer = index(AMD64)
    scene.push(newer, "v1")

    scene.apply()

    assert scene.alive == {LATEST.digest, newer.digest, AMD64.digest, SBOM.digest}


def test_what_somebody_tagged_since_stays(torn: Scene) -> None:
    torn.registry.storage.retag("keep-me", ARM64.digest)

    torn.apply()

    assert torn.alive == {LATEST.digest, ARM64.digest}


def test_what_somebody_pushed_anew_stays(torn: Scene) -> None:
    torn.registry.storage.remove(ARM64.digest)
    torn.push(ARM64)
    torn.later(days=2)

    torn.apply()

    assert torn.alive == {LATEST.digest, ARM64.digest}


def test_a_signature_that_could_not_be_deleted_with_its_image_goes_with_the_next_run(
    scene: Scene,
) -> None:
    scene.policy = PREVIEWS
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.push(SIGNATURE, cosign_tag(BUILD))
    scene.later(days=2)
    scene.registry.answer(DeletionResult.FAILED, nth=1, status=500)
    first = scene.apply()
    left = set(scene.alive)

    second = scene.apply()

    assert results(first, **NAMES)["sig"] == "failed"
    assert left == {LATEST.digest, SIGNATURE.digest}
    assert scene.alive == {LATEST.digest}
    assert (first.exit_code, second.exit_code) == (ExitCode.PARTIAL, ExitCode.OK)


def test_a_signature_that_others_left_behind_stays_as_a_tag_that_no_rule_knows(
    scene: Scene,
) -> None:
    scene.policy = PREVIEWS
    scene.push(LATEST, "latest")
    scene.push(SIGNATURE, cosign_tag(BUILD))
    scene.later(days=2)

    scene.apply()

    assert SIGNATURE.digest in scene.alive


def test_on_a_plain_registry_what_is_left_over_goes_as_well(plain: Scene) -> None:
    plain.policy = EAGER
    plain.push(LATEST, "latest")
    plain.push(BUILD, "pr-7")
    killed_at(plain, 2)

    plain.apply()

    assert plain.alive == {LATEST.digest}
