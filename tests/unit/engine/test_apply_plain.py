"""The same promises where a registry lists tags only and cannot take a deletion back."""

import pytest

from reconciler.errors import ExitCode
from tests.support.documents import artifact, image, index
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST
from tests.support.scenes import Scene, results

OLD = image("old latest")
NAMES = {"index": BUILD, "amd64": AMD64, "arm64": ARM64, "old": OLD}


@pytest.fixture(autouse=True)
def pushed(plain: Scene) -> None:
    """Have runs see an image that goes and one whose tag moved on, two days ago."""
    plain.push(OLD, "latest")
    plain.push(BUILD, "pr-7")
    plain.apply()
    plain.push(LATEST, "latest")
    plain.later(days=2)


def test_images_children_and_what_lost_its_tag_are_deleted(plain: Scene) -> None:
    applied = plain.apply()

    assert plain.alive == {LATEST.digest}
    assert applied.exit_code is ExitCode.OK


def test_a_second_apply_deletes_nothing(plain: Scene) -> None:
    plan = plain.plan()
    plain.apply(plan)

    again = plain.apply(plan)

    assert len(plain.registry.deletes) == 4
    assert set(results(again, **NAMES).values()) == {"absent"}


def test_an_image_tagged_since_the_plan_is_spared(plain: Scene) -> None:
    plan = plain.plan()
    plain.registry.storage.retag("rollback", OLD.digest)

    applied = plain.apply(plan)

    assert results(applied, **NAMES)["old"] == "skipped_changed"
    assert OLD.digest in plain.alive


@pytest.mark.parametrize("digest", [OLD.digest, BUILD.digest])
def test_an_image_tagged_during_the_apply_is_spared(plain: Scene, digest: str) -> None:
    plain.registry.on("newest", lambda: plain.registry.storage.retag("rollback", digest))

    plain.apply()

    assert digest in plain.alive


def test_an_image_whose_tag_moves_at_the_last_moment_is_spared(plain: Scene) -> None:
    plain.registry.on("pace", lambda: plain.registry.storage.retag("pr-7", OLD.digest))

    applied = plain.apply()

    assert "skipped_changed" in results(applied, **NAMES).values()
    assert BUILD.digest in plain.alive


def test_a_child_that_an_index_lists_since_the_listing_is_spared(plain: Scene) -> None:
    newer = index(AMD64, image("newer"))
    plain.registry.on("newest", lambda: plain.push(newer, "v2"))

    applied = plain.apply()

    assert results(applied, **NAMES) == {
        "index": "deleted",
        "amd64": "skipped_referenced",
        "arm64": "deleted",
        "old": "deleted",
    }


def test_referrers_that_the_registry_lists_go_with_their_subject(asking: Scene) -> None:
    bundle = artifact("bundle", subject=OLD)
    asking.push(OLD, "pr-1")
    asking.push(bundle)
    asking.push(LATEST, "latest")
    asking.apply()
    asking.later(days=2)

    applied = asking.apply()

    assert results(applied, old=OLD, bundle=bundle) == {"bundle": "deleted", "old": "deleted"}
    assert asking.registry.deletes == [bundle.digest, OLD.digest]
