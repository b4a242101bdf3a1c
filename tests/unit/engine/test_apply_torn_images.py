"""A run that ends between a signature and its image: the next one brings the signature back."""

import pytest

from reconciler.errors import EvidenceError, ExitCode, StoppedError
from tests.support.documents import artifact, cosign_tag, image, index, signature
from tests.support.process_death import Killed
from tests.support.sample_manifests import LATEST
from tests.support.scenes import PROTECT, Scene, policy, results

BUILD = index(image("pr 7"))
BUNDLE = artifact("bundle", subject=BUILD)
SIGNATURE = signature(BUILD)
SEAL = signature(BUNDLE)
NAMES = {"index": BUILD, "bundle": BUNDLE, "sig": SIGNATURE, "seal": SEAL}
COMPANIONS = {SIGNATURE.digest, BUNDLE.digest, SEAL.digest}
KEPT = policy(protect=[*PROTECT, {"name": "wanted", "match": {"tags": ["pr-7"]}}])


@pytest.fixture(autouse=True)
def pushed(scene: Scene) -> None:
    """Give the repository an image that stays and one that goes with all that speaks of it."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.push(BUNDLE)
    scene.push(SIGNATURE, cosign_tag(BUILD))
    scene.push(SEAL, cosign_tag(BUNDLE))
    scene.later(days=2)


def tear(scene: Scene, error: BaseException) -> None:
    """End a run when everything that speaks of the image is gone, and the image is not."""
    scene.registry.fail("delete", error, nth=4)
    if isinstance(error, Killed):
        with pytest.raises(Killed):
            scene.apply()
    else:
        scene.apply()
    assert COMPANIONS.isdisjoint(scene.alive)
    assert BUILD.digest in scene.alive


def restored(scene: Scene) -> list[str]:
    """Return the lines of the journal that tell of a restoration, sorted."""
    return sorted(line for line in scene.story(**NAMES) if line.endswith("restored"))


@pytest.mark.parametrize("error", [Killed(), EvidenceError("down")])
def test_an_image_that_is_kept_by_now_has_its_companions_again(
    scene: Scene, error: BaseException
) -> None:
    plan = scene.plan()
    tear(scene, error)
    scene.policy = KEPT

    applied = scene.apply(plan)

    assert scene.alive >= {BUILD.digest, *COMPANIONS}
    assert scene.registry.storage.tags[cosign_tag(BUILD)] == SIGNATURE.digest
    assert restored(scene) == [
        "resolve bundle restored",
        "resolve seal restored",
        "resolve sig restored",
    ]
    assert applied.exit_code is ExitCode.OK


def test_a_run_that_stops_before_the_image_brings_its_companions_back_itself(scene: Scene) -> None:
    plan = scene.plan()
    scene.registry.fail("delete", StoppedError("interrupted"), nth=4)

    stopped = scene.apply(plan)
    brought_back = scene.alive
    again = scene.apply(plan)

    assert stopped.stopped == "interrupted"
    assert brought_back >= {BUILD.digest, *COMPANIONS}
    assert again.exit_code is ExitCode.OK


def test_an_image_that_goes_after_all_brings_nothing_back(scene: Scene) -> None:
    plan = scene.plan()
    tear(scene, Killed())

    applied = scene.apply(plan)

    assert scene.alive == {LATEST.digest}
    assert scene.registry.about("restore") == []
    assert results(applied, **NAMES, child=BUILD.children[0])["index"] == "deleted"


def test_an_image_that_a_new_plan_names_goes_and_nothing_comes_back_before(scene: Scene) -> None:
    tear(scene, Killed())

    scene.apply()
    again = scene.apply()

    assert scene.alive == {LATEST.digest}
    assert scene.registry.about("restore") == []
    assert again.outcomes == ()


def test_an_image_that_is_refused_in_the_end_has_its_companions_again(scene: Scene) -> None:
    tear(scene, Killed())
    scene.registry.refuses[BUILD.digest] = "more than 5000 downloads"

    applied = scene.apply()

    assert scene.alive >= {BUILD.digest, *COMPANIONS}
    assert applied.head == scene.records[-1].hash
    assert len(restored(scene)) == 3


def test_an_image_that_a_guard_keeps_has_its_companions_again(scene: Scene) -> None:
    plan = scene.plan()
    tear(scene, Killed())
    scene.policy = policy(guards={"max_delete": 0})

    applied = scene.apply(plan)

    assert applied.exit_code is ExitCode.SAFETY_STOP
    assert scene.alive >= {BUILD.digest, *COMPANIONS}


def test_an_image_that_is_gone_by_itself_brings_nothing_back(scene: Scene) -> None:
    tear(scene, Killed())
    scene.registry.storage.remove(BUILD.digest)

    scene.apply()

    assert restored(scene) == []
    assert COMPANIONS.isdisjoint(scene.alive)


def test_what_was_brought_back_once_is_not_asked_for_again(scene: Scene) -> None:
    tear(scene, Killed())
    scene.policy = KEPT
    scene.apply()
    written = len(scene.records)
    asked = len(scene.registry.about("restore"))

    scene.apply()

    assert len(scene.records) == written
    assert len(scene.registry.about("restore")) == asked == 3


def test_a_run_killed_while_it_restores_is_completed_by_the_next(scene: Scene) -> None:
    tear(scene, Killed())
    scene.policy = KEPT
    plan = scene.plan()
    scene.registry.fail("restore", Killed(), nth=2)
    with pytest.raises(Killed):
        scene.apply(plan)

    scene.apply(plan)

    assert scene.alive >= {BUILD.digest, *COMPANIONS}
    assert len(restored(scene)) == 3


def test_where_nothing_can_be_restored_the_next_run_says_nothing_of_it(plain: Scene) -> None:
    plain.push(LATEST, "latest")
    plain.push(BUILD, "pr-7")
    plain.push(SIGNATURE, cosign_tag(BUILD))
    plain.policy = policy(guards={"min_age": "0h", "max_delete_percent": 100})
    plain.registry.fail("delete", Killed(), nth=2)
    with pytest.raises(Killed):
        plain.apply()

    plain.apply()

    assert plain.registry.about("restore") == []
    assert BUILD.digest not in plain.alive
