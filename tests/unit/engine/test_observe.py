"""A complete listing is read with about one document for each image."""

from dataclasses import replace

import pytest

from reconciler.engine.observe import observe
from reconciler.errors import EvidenceError
from reconciler.model.names import Digest
from tests.support.documents import (
    MANIFEST,
    Document,
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)
from tests.support.scenes import WEB, Scene

PLATFORM = {"os": "linux", "architecture": "amd64"}


def _build(number: int) -> Document:
    """Build for two platforms with attestations, as BuildKit does."""
    platforms = [image(f"{number}", platform=f"linux/{name}") for name in ("amd64", "arm64")]
    return index(*platforms, *map(attestation, platforms))


def _children(*indexes: Document) -> set[str]:
    return {child.digest for one in indexes for child in one.children}


@pytest.fixture
def builds(scene: Scene) -> list[Document]:
    """Push a tag 200 times; what the tag left behind is untagged."""
    builds = [_build(number) for number in range(200)]
    for build in builds:
        scene.push(build, "latest")
        scene.later(hours=1)
    return builds


def test_two_hundred_builds_cost_their_pages_and_one_read_each(
    scene: Scene, builds: list[Document]
) -> None:
    inventory = observe(scene.registry, WEB)

    assert len(inventory.versions) == 1000
    assert inventory.evidence.pages == 10
    assert inventory.evidence.requests == 10 + 200
    assert scene.registry.sent == 10 + 200


def test_platform_images_and_attestations_are_never_read(
    scene: Scene, builds: list[Document]
) -> None:
    observe(scene.registry, WEB)

    assert set(scene.registry.fetched) == {build.digest for build in builds}


def test_builds_that_stretches_of_time_cut_through_cost_little_more(scene: Scene) -> None:
    for number in range(203):
        scene.push(_build(number), "latest")

    observe(scene.registry, WEB)

    assert len(scene.registry.fetched) <= 203 * 1.1


def test_documents_are_asked_for_in_a_few_rounds(scene: Scene, builds: list[Document]) -> None:
    observe(scene.registry, WEB)

    rounds = scene.registry.about("manifests")
    assert len(rounds) == 1 + 20
    assert {len(asked) for asked in rounds[1:]} == {10, 9}


def test_a_second_look_costs_the_pages_and_nothing_else(
    scene: Scene, builds: list[Document]
) -> None:
    observe(scene.registry, WEB)

    again = observe(scene.registry, WEB)

    assert again.evidence.requests == 10


def test_many_builds_pushed_in_the_same_second_are_still_read_once(scene: Scene) -> None:
    builds = [_build(number) for number in range(10)]
    for build in builds:
        scene.push(build)

    observe(scene.registry, WEB)

    assert set(scene.registry.fetched) == {build.digest for build in builds}


def test_an_index_in_an_index_is_read(scene: Scene) -> None:
    inner = index(image("a"))
    outer = index(inner, image("b"))
    scene.push(outer, "v1")

    inventory = observe(scene.registry, WEB)

    assert scene.registry.fetched == [outer.digest, inner.digest]
    assert {str(d) for d, v in inventory.versions.items() if v.manifest} == {
        outer.digest,
        inner.digest,
    }


def test_a_child_that_is_no_platform_image_is_read(scene: Scene) -> None:
    chart = artifact("chart", artifact_type="application/vnd.cncf.helm.chart.v1")
    scene.push(index(chart, image("a")), "v1")

    observe(scene.registry, WEB)

    assert chart.digest in scene.registry.fetched


def test_a_signature_is_read_like_others_since_a_tag_stands_on_anything(scene: Scene) -> None:
    signed, signing = image("signed"), [signature(image("signed")), artifact("attestation")]
    scene.push(signed, "v1")
    for document, kind in zip(signing, ("sig", "att"), strict=True):
        scene.push(document, cosign_tag(signed, kind))

    observe(scene.registry, WEB)

    assert set(scene.registry.fetched) == {signed.digest, *(one.digest for one in signing)}


def test_a_signature_of_something_unknown_is_read_as_an_image(scene: Scene) -> None:
    orphan = signature(image("gone"))
    scene.push(orphan, cosign_tag(image("gone")))

    observe(scene.registry, WEB)

    assert scene.registry.fetched == [orphan.digest]


def test_a_version_with_a_signature_tag_and_a_name_is_read(scene: Scene) -> None:
    signed = image("signed")
    scene.push(signed, "v1")
    scene.push(index(image("both")), cosign_tag(signed), "v2")

    observe(scene.registry, WEB)

    assert index(image("both")).digest in scene.registry.fetched


def test_the_index_of_referrers_under_a_fallback_tag_is_read(scene: Scene) -> None:
    subject = image("subject")
    listed = index(artifact("bundle", subject=subject))
    scene.push(subject, "v1")
    scene.push(listed, fallback_tag(subject))

    observe(scene.registry, WEB)

    assert listed.digest in scene.registry.fetched
    assert _children(listed) <= set(scene.registry.fetched)


def test_a_lone_untagged_image_is_read_since_it_may_refer_to_another(scene: Scene) -> None:
    subject = image("subject")
    bundle = artifact("bundle", subject=subject)
    scene.push(subject, "v1")
    scene.push(bundle)

    inventory = observe(scene.registry, WEB)

    found = {str(digest): version for digest, version in inventory.versions.items()}
    manifest = found[bundle.digest].manifest
    assert manifest is not None
    assert manifest.subject == subject.digest


def test_a_listed_version_without_a_manifest_is_missing_evidence(scene: Scene) -> None:
    lost = image("lost")
    scene.push(lost, "v1")
    scene.registry.on("manifests", lambda: scene.registry.storage.remove(lost.digest))

    with pytest.raises(EvidenceError, match="the registry has no such manifest") as raised:
        observe(scene.registry, WEB)

    assert lost.digest in str(raised.value)
    assert f"delete it by hand: delete {WEB}@{lost.digest}" in raised.value.hint
    assert f'digests: ["{lost.digest}"], opaque: true' in raised.value.hint


def test_every_version_that_cannot_be_read_is_named_at_once(scene: Scene) -> None:
    bad = [Document(MANIFEST, f'{{"manifests": [{number}]}}'.encode()) for number in range(3)]
    for number, document in enumerate(bad):
        scene.push(document, f"bad{number}")

    with pytest.raises(EvidenceError) as raised:
        observe(scene.registry, WEB)

    assert all(f"{one.digest} (version " in str(raised.value) for one in bad)
    assert all(one.digest in raised.value.hint for one in bad)


def test_what_is_declared_opaque_is_never_read(scene: Scene) -> None:
    bad = Document(MANIFEST, b'{"manifests": [1]}')
    scene.push(bad, "bad")
    scene.push(image("good"), "v1")

    inventory = observe(scene.registry, WEB, opaque=frozenset({Digest(bad.digest)}))

    assert scene.registry.fetched == [image("good").digest]
    assert inventory.versions[Digest(bad.digest)].manifest is None


def test_a_child_is_read_as_soon_as_one_index_calls_it_something_else(scene: Scene) -> None:
    inner = index(image("a"))
    liar = index(replace(inner, media_type=MANIFEST, listing={"platform": PLATFORM}), image("b"))
    honest = index(inner, image("c"))
    scene.push(honest, "v1")
    scene.push(liar, "v2")

    inventory = observe(scene.registry, WEB)

    assert inventory.versions[Digest(inner.digest)].manifest is not None


def test_read_whole_every_document_is_read_whatever_lists_it(scene: Scene) -> None:
    build = _build(1)
    scene.push(build, "v1")

    inventory = observe(scene.registry, WEB, whole=True)

    assert all(version.manifest for version in inventory.versions.values())


def test_a_child_that_is_not_listed_is_no_error_and_not_asked_for(scene: Scene) -> None:
    build = index(image("a", platform="linux/amd64"), image("a", platform="linux/arm64"))
    scene.push(build, "v1")
    scene.registry.storage.remove(build.children[0].digest)

    inventory = observe(scene.registry, WEB)

    assert set(map(str, inventory.versions)) == {build.digest, build.children[1].digest}
    assert scene.registry.fetched == [build.digest]


def test_an_empty_repository_is_an_empty_inventory(scene: Scene) -> None:
    inventory = observe(scene.registry, WEB)

    assert inventory.versions == {}
    assert inventory.evidence.requests == 1
