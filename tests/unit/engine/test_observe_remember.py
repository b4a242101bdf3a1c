"""What runs remember of a repository: since when a digest is there, and since when untagged."""

from datetime import timedelta
from pathlib import Path

from reconciler.engine.observe import observe
from reconciler.errors import EvidenceError
from reconciler.model.names import Digest
from tests.support.documents import image
from tests.support.scenes import NOON, WEB, Scene, policy, results

DAY = timedelta(days=1)
V1, V2 = image("v1"), image("v2")
KEEPING = policy(rules=[{"name": "all", "match": {"any": True}, "keep": {"all": True}}])


def _noted(scene: Scene, digest: str) -> tuple[object, ...]:
    seen = scene.seen(digest)
    assert seen, "the digest was never seen"
    return seen.first_seen, seen.untagged_since, seen.tags


def test_a_run_that_deletes_nothing_still_notes_what_it_saw(scene: Scene) -> None:
    scene.push(V1, "v1")

    scene.apply()

    assert _noted(scene, V1.digest) == (NOON, None, ("v1",))
    assert scene.records == []


def test_first_seen_stays_whatever_later_runs_see(scene: Scene) -> None:
    scene.push(V1, "v1")
    scene.apply()
    scene.later(days=1)
    scene.registry.storage.retag("stable", V1.digest)

    scene.apply()

    assert _noted(scene, V1.digest) == (NOON, None, ("stable", "v1"))


def test_the_moment_a_run_first_saw_a_version_untagged_is_kept(scene: Scene) -> None:
    scene.policy = KEEPING
    scene.push(V1, "latest")
    scene.apply()
    scene.push(V2, "latest")
    scene.later(days=1)
    scene.apply()
    scene.later(days=1)

    scene.apply()

    assert _noted(scene, V1.digest) == (NOON, NOON + DAY, ("latest",))


def test_a_version_that_gets_a_tag_again_is_untagged_no_more(scene: Scene) -> None:
    scene.policy = KEEPING
    scene.push(V1)
    scene.apply()
    scene.registry.storage.retag("v1", V1.digest)

    scene.apply()

    assert _noted(scene, V1.digest) == (NOON, None, ("v1",))


def test_an_inventory_carries_what_earlier_runs_noted(scene: Scene) -> None:
    scene.policy = KEEPING
    scene.push(V1, "latest")
    scene.apply()
    scene.push(V2, "latest")
    scene.later(days=1)
    scene.apply()
    seen = scene.state.of(WEB).observations()

    inventory = observe(scene.registry, WEB, observations=seen)

    version = inventory.versions[Digest(V1.digest)]
    assert (version.first_seen, version.untagged_since) == (NOON, NOON + DAY)


def test_a_tag_that_came_back_since_ends_the_time_without_one(scene: Scene) -> None:
    scene.policy = KEEPING
    scene.push(V1)
    scene.apply()
    scene.registry.storage.retag("v1", V1.digest)

    inventory = observe(scene.registry, WEB, observations=scene.state.of(WEB).observations())

    assert inventory.versions[Digest(V1.digest)].untagged_since is None


def test_what_the_registry_no_longer_has_is_forgotten(scene: Scene) -> None:
    scene.push(V1, "v1")
    scene.push(V2, "v2")
    scene.apply()
    scene.registry.storage.remove(V1.digest)

    scene.apply()

    assert scene.seen(V1.digest) is None
    assert scene.seen(V2.digest) is not None


def test_a_plain_registry_lets_go_a_day_after_the_first_run_saw_it(plain: Scene) -> None:
    plain.push(V1, "pr-1")
    plain.push(V2, "latest")
    first = plain.apply()
    plain.later(days=1, hours=1)

    second = plain.apply()

    assert first.outcomes == ()
    assert results(second, v1=V1) == {"v1": "deleted"}


def test_a_plain_registry_lets_an_image_go_whose_tag_moved_on(plain: Scene) -> None:
    plain.push(V1, "latest")
    plain.apply()
    plain.push(V2, "latest")
    plain.later(days=2)

    applied = plain.apply()

    assert results(applied, v1=V1) == {"v1": "deleted"}
    assert plain.alive == {V2.digest}


def test_a_run_that_breaks_off_still_notes_what_it_saw(scene: Scene) -> None:
    scene.push(V1, "latest")
    scene.push(V2, "pr-1")
    scene.later(days=2)
    scene.registry.fail("newest", EvidenceError("no answer"))

    scene.apply()

    assert scene.seen(V1.digest) is not None
    assert scene.seen(V2.digest) is not None


def test_observations_that_did_not_change_are_not_written_again(scene: Scene, place: Path) -> None:
    scene.push(V1, "v1")
    scene.apply()
    scene.later(days=1)
    before = (place / WEB / "_" / "observations.json").stat()

    scene.apply()

    after = (place / WEB / "_" / "observations.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
