"""What an undo restored is kept by every later plan until somebody releases it."""

import pytest

from reconciler.model.inventory import Observations
from reconciler.model.ports import Holder
from tests.support.documents import index
from tests.support.sample_manifests import AMD64, LATEST, OTHER
from tests.support.scenes import WEB, Scene
from tests.support.undoing import draw, release, undo

BUILD = index(AMD64)
BACK = {one.digest for one in (BUILD, AMD64, OTHER)}


@pytest.fixture(autouse=True)
def undone(scene: Scene) -> None:
    """Delete two previews and bring both back."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.push(OTHER, "pr-8")
    scene.later(days=2)
    scene.apply()
    undo(scene)
    assert scene.alive >= BACK


def test_later_plans_keep_what_is_held_and_say_why(scene: Scene) -> None:
    scene.later(days=40)

    (part,) = scene.plan().repositories

    assert part.changes == ()
    held = {kept.key.partition("@")[2]: kept for kept in part.protected if kept.cause == "held"}
    assert held.keys() == {BUILD.digest, OTHER.digest}
    assert held[BUILD.digest].tags == ("pr-7",)
    assert held[BUILD.digest].reasons[0] == "restored by an undo and held until it is released"


def test_the_hold_survives_every_run(scene: Scene) -> None:
    for _ in range(3):
        scene.later(days=40)
        scene.apply()

    assert scene.alive >= BACK


def forget(scene: Scene, observations: Observations) -> None:
    """Put other observations into the state, as a lost or an old file would be."""
    state = scene.state.of(WEB)
    with state.lock(Holder("by-hand", "octocat", "laptop", scene.time.now)):
        state.save_observations(observations)


def test_a_hold_outlives_the_observations(scene: Scene) -> None:
    forget(scene, Observations())
    scene.later(days=40)

    scene.apply()
    scene.apply()

    assert scene.alive >= BACK


def test_a_hold_outlives_a_listing_that_lags(scene: Scene) -> None:
    storage = scene.registry.storage
    hidden = {digest: storage.live.pop(digest) for digest in BACK}
    scene.apply()
    storage.live.update(hidden)
    scene.later(days=40)

    scene.apply()

    assert scene.alive >= BACK


def test_a_release_holds_although_the_observations_were_lost_before_it(scene: Scene) -> None:
    forget(scene, Observations())

    released = release(scene, "pr-8")

    assert released == [OTHER.digest]


def test_a_plan_of_before_the_undo_no_longer_deletes_what_came_back(scene: Scene) -> None:
    release(scene)
    scene.later(days=1)
    plan = scene.plan()
    scene.apply(plan)
    undo(scene, draw(scene, "run-2"), name="undo-2")

    applied = scene.apply(plan)

    assert scene.alive >= BACK
    assert applied.outcomes == ()
    reasons = {str(drop.change.digest): drop.reason for drop in applied.dropped}
    assert reasons[BUILD.digest].startswith("now kept (held): restored by an undo")


def test_after_the_release_the_policy_decides_again(scene: Scene) -> None:
    released = release(scene)
    scene.later(days=1)

    scene.apply()

    assert set(released) == BACK
    assert scene.alive == {LATEST.digest}


def test_releasing_one_image_releases_what_came_back_with_it_and_nothing_else(
    scene: Scene,
) -> None:
    released = release(scene, "pr-7")
    scene.apply()

    assert set(released) == {BUILD.digest, AMD64.digest}
    assert scene.alive == {LATEST.digest, OTHER.digest}


@pytest.mark.parametrize("name", [OTHER.digest, OTHER.hex[:12], "ghcr.io/acme/web:pr-8"])
def test_what_to_release_can_be_named_in_many_ways(scene: Scene, name: str) -> None:
    assert release(scene, name) == [OTHER.digest]


def test_a_whole_repository_can_be_released(scene: Scene) -> None:
    assert set(release(scene, "ghcr.io/acme/web")) == BACK


@pytest.mark.parametrize("name", ["ghcr.io/acme/api", "pr-9", LATEST.digest])
def test_what_is_not_held_is_not_released_and_nothing_is_written(scene: Scene, name: str) -> None:
    written = len(scene.records)

    assert release(scene, name) == []
    assert len(scene.records) == written


def test_releasing_twice_does_nothing_the_second_time(scene: Scene) -> None:
    release(scene)

    assert release(scene) == []


def test_a_release_is_recorded_with_who_did_it(scene: Scene) -> None:
    released = release(scene, "pr-8")

    opened, told, closed = scene.records[-3:]
    assert (opened.type, told.type, closed.type) == ("run_open", "release", "run_close")
    assert opened.body["who"] == "octocat@runner-7"
    assert told.body["digests"] == released
