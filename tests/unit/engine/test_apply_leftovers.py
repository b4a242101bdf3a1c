"""What a run left over of an image waits for a rule, and the plan names it and the rule."""

import pytest

from reconciler.errors import ExitCode
from reconciler.model.journal import Entry
from reconciler.model.ports import DeletionResult, Holder
from tests.support.documents import (
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)
from tests.support.process_death import Killed
from tests.support.sample_manifests import AMD64, LATEST
from tests.support.scenes import RULES, WEB, Scene, policy, results

ARM64 = image("pr 7", platform="linux/arm64")
PROOF = attestation(AMD64)
BUILD = index(AMD64, ARM64, PROOF)
SIGNATURE = signature(BUILD)
SBOM = artifact("sbom", subject=AMD64)
NAMES = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "proof": PROOF, "sig": SIGNATURE}
PREVIEWS = policy(rules=RULES[:1])
"""Knows `pr-*` and nothing else: no rule covers what has no tag."""

SIGNATURES = {"name": "signatures", "match": {"tags": ["sha256-*"]}, "keep": {"none": True}}
COVERING = policy(rules=[*RULES, SIGNATURES])
"""Covers leftovers by rules: what has no tag, and what has a tag that spells a digest."""

EAGER = policy(rules=RULES, guards={"max_delete_percent": 100, "min_age": "0h"})


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


def warnings(scene: Scene) -> tuple[str, ...]:
    """Return what a plan of now warns of."""
    (part,) = scene.plan().repositories
    return tuple(text for text in part.warnings if "which no rule covers" in text)


def test_the_children_of_a_deleted_index_stay_while_no_rule_covers_them(torn: Scene) -> None:
    left = torn.alive

    applied = torn.apply()

    assert torn.alive == left
    assert AMD64.digest in left
    assert applied.exit_code is ExitCode.OK


def test_the_children_of_a_deleted_index_go_once_a_rule_covers_them(torn: Scene) -> None:
    torn.policy = COVERING

    torn.apply()

    assert torn.alive == {LATEST.digest}


def test_a_plan_names_what_was_left_over_of_which_image_by_which_run_and_the_rule_to_add(
    torn: Scene,
) -> None:
    (warning,) = warnings(torn)

    assert f"run run-1 deleted {BUILD.digest} but left 2 versions" in warning
    assert min(AMD64.digest, ARM64.digest) in warning
    assert "{name: dangling, match: {untagged: true}, keep: {within: 7d}}" in warning


def test_a_plan_names_no_leftover_that_a_rule_covers(torn: Scene) -> None:
    torn.policy = COVERING

    assert warnings(torn) == ()


SHARED = image("shared", platform="linux/s390x")
SHARED_PROOF = attestation(SHARED)
RICH = index(AMD64, ARM64, SHARED, PROOF, SHARED_PROOF)
STAYING = index(SHARED)
RICH_DELETIONS = 10
LISTED = artifact("listed", subject=RICH)


def fill(scene: Scene) -> None:
    """Push one of everything that goes with an index, and an index that shares a platform."""
    scene.policy = COVERING
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

    # An attestation whose index is gone speaks of a platform that stays, and stays with that.
    assert scene.alive - {SHARED_PROOF.digest} == {STAYING.digest, SHARED.digest}
    assert applied.exit_code is ExitCode.OK


def test_the_very_plan_that_was_being_applied_goes_on(scene: Scene) -> None:
    scene.policy = COVERING
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


def test_a_forged_journal_makes_nothing_go_that_no_rule_covers(scene: Scene) -> None:
    scene.policy = PREVIEWS
    scene.push(LATEST, "latest")
    for number in (1, 2, 3):
        scene.push(image(f"customer {number}"), f"customer-{number}")
    scene.later(days=2)
    forge(scene)

    scene.apply()

    assert scene.registry.deletes == []


def forge(scene: Scene) -> None:
    """Write a journal that verifies: whatever is there was to go with an image that is gone."""
    owner = "sha256:" + "e" * 64
    here = [
        version for version in scene.registry.listing(WEB).versions if version.tags != ("latest",)
    ]
    gone = {"digest": owner, "key": f"{WEB}@{owner}", "cause": "expired", "component": 1}
    gone |= {"children": [version.digest for version in here]}
    meant = [
        {
            "digest": version.digest,
            "key": f"{WEB}@{version.digest}",
            "version_id": version.id,
            "tags": list(version.tags),
            "cause": "follows",
            "component": 1,
        }
        for version in here
    ]
    entries = [
        Entry("run_open", {}),
        *(Entry("intent", body) for body in (gone, *meant)),
        Entry("outcome", {**gone, "result": "deleted"}),
        *(Entry("outcome", {**body, "result": "not_done"}) for body in meant),
        Entry("run_close", {}),
    ]
    state = scene.state.of(WEB)
    with state.lock(Holder("forged", "hubot", "elsewhere", scene.time.now)):
        state.append("forged", scene.time.now, entries)


def test_what_a_new_index_lists_stays_with_all_that_speaks_of_it(scene: Scene) -> None:
    scene.policy = COVERING
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.later(hours=1)
    scene.push(SBOM)
    scene.later(days=2)
    killed_at(scene, 2)
    newer = index(AMD64)
    scene.push(newer, "v1")

    scene.apply()

    speaking = {SBOM.digest, PROOF.digest}
    assert scene.alive == {LATEST.digest, newer.digest, AMD64.digest} | speaking


def test_what_somebody_tagged_since_stays(torn: Scene) -> None:
    torn.policy = COVERING
    torn.registry.storage.retag("keep-me", ARM64.digest)

    torn.apply()

    assert torn.alive == {LATEST.digest, ARM64.digest}


def test_a_plan_names_nothing_that_somebody_pushed_anew(torn: Scene) -> None:
    for document in (AMD64, ARM64):
        torn.registry.storage.remove(document.digest)
        torn.push(document)
    torn.later(days=2)

    assert warnings(torn) == ()


def test_a_signature_that_could_not_be_deleted_with_its_image_goes_by_a_rule(
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
    (warning,) = warnings(scene)
    scene.policy = COVERING

    second = scene.apply()

    assert results(first, **NAMES)["sig"] == "failed"
    assert left == {LATEST.digest, SIGNATURE.digest}
    assert "add {name: signatures, match: {tags: ['sha256-*']}, keep: {within: 7d}}" in warning
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
