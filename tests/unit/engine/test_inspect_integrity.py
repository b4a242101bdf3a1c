"""What is told of images that lack something, and of those that lack nothing."""

from dataclasses import replace

import pytest

from reconciler.analysis.integrity import ImagePart, IntegrityResult
from reconciler.engine.inspect import examine
from reconciler.errors import ExitCode, UnreachableError
from reconciler.model.names import Tag
from tests.support.documents import Document, attestation, digest_of, image, index
from tests.support.scenes import Scene

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def build(name: str) -> Document:
    """Build two platforms, one of them attested."""
    amd64 = image(f"{name} amd64")
    return index(amd64, image(f"{name} arm64", platform="linux/arm64"), attestation(amd64))


def examined(scene: Scene, *, blobs: bool = False) -> IntegrityResult:
    """Look at the repository of a scene."""
    repository = scene.registry.repository
    return examine(scene.registry, repository, scene.state.of(repository), blobs=blobs)


def lacks(found: IntegrityResult) -> dict[str, list[tuple[ImagePart, str]]]:
    """Name what each broken image lacks, by its first tag."""
    return {
        broken.tags[0]: [(hole.part, hole.digest) for hole in broken.missing]
        for broken in found.broken
    }


def test_what_nobody_deleted_is_whole(scene: Scene) -> None:
    scene.push(build("one"), "v1", "latest")
    scene.push(image("lone"), "v2")

    found = examined(scene, blobs=True)

    assert (found.images, found.manifests, found.broken) == (2, 5, ())
    assert found.exit_code is ExitCode.OK


def test_tags_whose_manifest_is_gone_are_named_beside_what_is_whole(
    plain: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.push(image("lone"), "v1")
    listing = plain.registry.listing(plain.registry.repository)
    broken = replace(listing, broken=(Tag("gone"), Tag("lost")))
    monkeypatch.setattr(plain.registry, "listing", lambda _: broken)

    found = examined(plain)

    assert (found.images, found.broken, found.dangling) == (1, (), ("gone", "lost"))
    assert found.exit_code is ExitCode.CHANGES


def test_a_shared_child_that_is_gone_breaks_every_image_that_lists_it(plain: Scene) -> None:
    shared = image("shared")
    for tag in ("v1", "v2"):
        plain.push(index(shared, image(tag, platform="linux/arm64")), tag)
    plain.registry.storage.remove(shared.digest)

    found = examined(plain)

    assert lacks(found) == {tag: [(ImagePart.MANIFEST, shared.digest)] for tag in ("v1", "v2")}
    assert {hole.platform for broken in found.broken for hole in broken.missing} == {"linux/amd64"}
    assert found.exit_code is ExitCode.CHANGES


def test_layers_and_configurations_are_asked_for_only_when_wanted(scene: Scene) -> None:
    built = build("one")
    scene.push(built, "v1")
    config, layer = map(digest_of, built.children[0].blobs)
    for lost in (config, layer):
        del scene.registry.storage.blobs[lost]

    shallow, deep = examined(scene), examined(scene, blobs=True)

    assert (shallow.broken, shallow.blobs) == ((), None)
    assert lacks(deep) == {"v1": [(ImagePart.CONFIGURATION, config), (ImagePart.LAYER, layer)]}


def test_layers_that_no_registry_need_have_are_counted_and_not_asked_for(scene: Scene) -> None:
    plain = image("windows")
    content = plain.content.replace(
        b'{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"',
        f'{{"urls":["https://example.com/layer"],"mediaType":"{FOREIGN}"'.encode(),
    )
    scene.push(replace(plain, content=content, blobs=plain.blobs[:1]), "v1")

    found = examined(scene, blobs=True)

    assert (found.broken, found.blobs, found.foreign) == ((), 1, 1)


def test_the_journal_and_the_observations_tell_what_became_of_it(scene: Scene) -> None:
    scene.push(image("kept"), "latest")
    shared = image("shared")
    scene.push(index(shared), "pr-1")
    scene.later(days=2)
    scene.apply()
    gone = scene.time.now
    scene.later(days=1)
    scene.push(index(shared, image("other")), "v1")
    scene.registry.storage.remove(shared.digest)

    (broken,) = examined(scene).broken

    assert [(hole.digest, hole.run, hole.gone) for hole in broken.missing] == [
        (shared.digest, "run-1", gone)
    ]


def test_a_repository_that_cannot_be_read_is_told_of_with_its_reason(scene: Scene) -> None:
    scene.push(image("one"), "v1")
    scene.registry.fail("listing", UnreachableError("no answer"))

    found = examined(scene)

    assert (found.images, found.exit_code) == (0, ExitCode.EVIDENCE_INCOMPLETE)
    assert found.error == "no answer"
