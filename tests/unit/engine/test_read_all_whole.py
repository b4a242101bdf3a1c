"""Every manifest of a repository is read, and it is known beforehand how many reads that takes."""

from reconciler.engine.read_all import look_ahead, read_whole
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Digest
from tests.support.documents import attestation, image, index
from tests.support.scenes import NOON, Scene


def test_platform_images_that_a_plan_passes_over_are_read_too(scene: Scene) -> None:
    amd64 = image("amd64")
    built = scene.push(index(amd64, attestation(amd64)), "v1")
    lone = scene.push(image("lone"))
    repository = scene.registry.repository

    ahead = look_ahead(scene.registry, repository)
    inventory = read_whole(scene.registry, ahead, Observations())

    assert ahead.reads == 4
    assert {built, lone} < set(inventory.versions)
    assert all(version.manifest for version in inventory.versions.values())
    assert look_ahead(scene.registry, repository).reads == 0


def test_where_only_tags_are_listed_the_rest_is_found_by_following(plain: Scene) -> None:
    amd64 = image("amd64")
    plain.push(index(amd64, image("arm64", platform="linux/arm64")), "v1")
    former = Digest(plain.push(image("former")))
    seen = Observations(digests={former: Observation(first_seen=NOON)})

    ahead = look_ahead(plain.registry, plain.registry.repository)
    inventory = read_whole(plain.registry, ahead, seen)

    assert ahead.reads == 1
    assert len(inventory.versions) == 4
    assert all(version.manifest for version in inventory.versions.values())
    assert inventory.versions[former].first_seen == NOON


def test_a_version_that_has_lost_its_manifest_stays_without_one(scene: Scene) -> None:
    lost = Digest(scene.push(image("lost"), "v1"))
    ahead = look_ahead(scene.registry, scene.registry.repository)
    scene.registry.storage.remove(lost)

    inventory = read_whole(scene.registry, ahead, Observations())

    assert inventory.versions[lost].manifest is None
