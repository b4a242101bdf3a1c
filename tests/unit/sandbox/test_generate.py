"""Generated packages: the same every time, alive like a real one, and whole."""

import json
from collections import Counter
from typing import Any

from reconciler.sandbox.generate import builds, lifelike, stated_size
from reconciler.sandbox.package import StoredPackage, sha256
from reconciler.sandbox.snapshots import snapshot_of
from tests.support.oracle import broken_tags, companions
from tests.unit.sandbox.conftest import DAY, NOW


def documents(package: StoredPackage) -> list[dict[str, Any]]:
    """Return every live document of a package."""
    return [json.loads(version.body or b"") for version in package.live]


def test_a_lifelike_package_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    first, same, other = lifelike(NOW), lifelike(NOW), lifelike(NOW, seed=2)

    assert snapshot_of([first], NOW) == snapshot_of([same], NOW)
    assert set(first.tags) != set(other.tags)


def test_a_lifelike_package_has_about_a_thousand_versions_of_one_year() -> None:
    package = lifelike(NOW)

    times = [version.created_at for version in package.live]
    assert 950 <= len(times) <= 1050
    assert NOW - 365 * DAY <= min(times) < NOW - 350 * DAY
    assert NOW - 5 * DAY < max(times) <= NOW


def test_a_lifelike_package_has_the_tags_that_usual_workflows_make() -> None:
    package = lifelike(NOW)

    assert {"latest", "main", "edge", "buildcache", "pr-1", "1.2.0-rc.1"} <= set(package.tags)
    assert package.tags["latest"] is package.tags["3"] is package.tags["3.0.2"]
    assert package.tags["main"] is package.tags["edge"]
    families = Counter(tag.split("-")[0] for tag in package.tags if "-" in tag)
    assert families["sha"] == 90
    assert families["pr"] == 26
    assert families["sha256"] == 2 * 18


def test_a_lifelike_package_has_attestations_of_both_forms_signatures_and_orphans() -> None:
    package = lifelike(NOW)

    kinds = Counter(document.get("artifactType", "") for document in documents(package))
    children = {
        child["digest"]
        for document in documents(package)
        for child in document.get("manifests", ())
    }
    named = children | {
        document["subject"]["digest"] for document in documents(package) if "subject" in document
    }
    lone = [v for v in package.live if not v.tags and v.digest not in named]
    attested = [
        child
        for document in documents(package)
        for child in document.get("manifests", ())
        if "vnd.docker.reference.digest" in child.get("annotations", {})
    ]

    modern = kinds["application/vnd.docker.attestation.manifest.v1+json"]
    assert 150 < modern < len({child["digest"] for child in attested}) - 150
    assert kinds["application/vnd.dev.sigstore.bundle.v0.3+json"] == 2 * 18
    assert len(companions(package)) > 18
    assert len(lone) > 100


def test_everything_generated_is_whole_and_hashes_to_its_digest() -> None:
    package = lifelike(NOW)

    assert broken_tags(package) == []
    assert all(sha256(version.body or b"") == version.digest for version in package.live)
    assert all(sha256(body) == digest for digest, body in package.blobs.items())


def test_builds_make_an_index_with_its_images_and_attestations_each() -> None:
    package = builds(100, now=NOW, tagged_every=4)

    assert len(package.live) == 100 * (1 + 2 + 2)
    assert len(package.tags) == 25 + 1
    assert broken_tags(package) == []


def test_builds_come_without_attestations_and_for_one_platform_too() -> None:
    package = builds(10, now=NOW, platforms=["linux/amd64"], attestations="none")

    assert len(package.live) == 10 * 2


def test_a_package_may_state_sizes_of_real_life() -> None:
    true, real = lifelike(NOW), lifelike(NOW, weigh=stated_size)

    assert len(true.live) == len(real.live)
    sizes = [
        layer["size"]
        for version in real.live
        for layer in json.loads(version.body or b"{}").get("layers", ())
        if layer["mediaType"].endswith("tar+gzip")
    ]
    assert min(sizes) >= 12 * 1024**2
    assert max(sizes) < 144 * 1024**2
    assert sum(sizes) > 10 * 1024**3
