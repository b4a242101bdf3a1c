"""A repository is copied with every byte that a plan may ask for."""

import json
from pathlib import Path

import pytest

from reconciler.engine.read_all import copy, find
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Digest
from reconciler.model.snapshot import PackageRecord
from tests.support.documents import Document, attestation, image, index
from tests.support.scenes import WEB, Scene
from tests.support.time import NOON

LATER = NOON.replace(year=2027)
BUILT = "2026-10-01T08:00:00Z"


def copied(
    scene: Scene, *, seen: Observations | None = None, configs: bool = False
) -> PackageRecord:
    """Copy the scene's repository."""
    found = find(scene.registry, WEB, seen or Observations())
    return copy(scene.registry, found, LATER, configs=configs)


def build() -> Document:
    """Build for two platforms with attestations, as BuildKit does."""
    platforms = [image("build", platform=f"linux/{name}") for name in ("amd64", "arm64")]
    return index(*platforms, *map(attestation, platforms))


@pytest.fixture
def open_scene(tmp_path: Path) -> Scene:
    """Begin with an empty registry that lists tags only."""
    return Scene(tmp_path, closed=False)


def test_every_version_is_copied_with_its_bytes_its_tags_its_id_and_its_time(scene: Scene) -> None:
    pushed = build()
    scene.push(pushed, "v1", "latest")
    scene.later(days=1)
    scene.push(image("lone"))

    record = copied(scene)

    everything = [pushed, *pushed.children, image("lone")]
    assert (record.owner, record.name) == ("acme", "web")
    assert {d: c.body for d, c in record.manifests.items()} == {
        Digest(document.digest): document.content for document in everything
    }
    assert {record.manifests[Digest(d.digest)].media_type for d in everything} == {
        document.media_type for document in everything
    }
    tags = {version.digest: (version.tags, version.created_at) for version in record.versions}
    assert tags[Digest(pushed.digest)] == (("latest", "v1"), NOON)
    assert tags[Digest(image("lone").digest)] == ((), NOON.replace(day=3))
    assert len({version.id for version in record.versions}) == 6


def test_configurations_are_copied_only_on_request(scene: Scene) -> None:
    scene.push(build(), "v1")

    without, with_them = copied(scene), copied(scene, configs=True)

    assert without.blobs == {}
    assert with_them.blobs
    assert all("architecture" in json.loads(blob.body) for blob in with_them.blobs.values())


def test_a_version_whose_manifest_is_gone_is_copied_without_it(scene: Scene) -> None:
    broken, whole = image("broken"), image("whole")
    scene.push(broken, "v1")
    scene.push(whole, "v2")
    scene.registry.on("raw_manifests", lambda: scene.registry.storage.remove(broken.digest))

    record = copied(scene)

    assert {version.tags for version in record.versions} == {("v1",), ("v2",)}
    assert list(record.manifests) == [Digest(whole.digest)]


def test_what_tags_and_earlier_runs_lead_to_is_copied_where_only_tags_are_listed(
    open_scene: Scene,
) -> None:
    tagged, left, never_seen = build(), image("left"), image("never seen")
    open_scene.push(tagged, "latest")
    for document in (left, never_seen):
        open_scene.push(document)
    seen = Observations(digests={Digest(left.digest): Observation(first_seen=NOON)})

    record = copied(open_scene, seen=seen)

    assert {str(version.digest) for version in record.versions} == {
        tagged.digest,
        *(child.digest for child in tagged.children),
        left.digest,
    }
    assert {version.digest for version in record.versions} == set(record.manifests)


def test_without_a_time_of_push_the_images_own_time_counts_and_else_now(open_scene: Scene) -> None:
    dated, undated = image("dated", created=BUILT), image("undated", created="")
    open_scene.push(dated, "v1")
    open_scene.push(undated, "v2")

    record = copied(open_scene)

    times = {str(version.digest): version.created_at for version in record.versions}
    assert times[dated.digest].isoformat() == "2026-10-01T08:00:00+00:00"
    assert times[undated.digest] == LATER
