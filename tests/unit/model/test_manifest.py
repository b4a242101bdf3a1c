"""Documents are read by their shape, whatever their label says."""

import json
from typing import Any

import pytest

from reconciler.model.manifest import DocumentKind, Manifest, parse_manifest
from reconciler.model.names import Digest
from tests.support import documents
from tests.support.documents import Document

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
SOME = "sha256:" + "5" * 64
OTHER = "sha256:" + "6" * 64
IMAGE: dict[str, Any] = {
    "mediaType": OCI_MANIFEST,
    "config": {"mediaType": CONFIG, "digest": SOME, "size": 7},
    "layers": [],
}


def digest_of(body: bytes) -> Digest:
    return Digest(documents.digest_of(body))


def read(document: Document) -> Manifest:
    return parse_manifest(digest_of(document.content), document.media_type, document.content)


def parsed(document: object, content_type: str = "") -> Manifest:
    body = json.dumps(document).encode()
    return parse_manifest(digest_of(body), content_type, body)


def listing(**descriptor: object) -> dict[str, Any]:
    return {"manifests": [{"digest": SOME, "mediaType": OCI_MANIFEST, "size": 1, **descriptor}]}


@pytest.mark.parametrize(
    "image", [documents.image("web"), documents.image("web", docker=True)], ids=["oci", "docker"]
)
def test_an_image_names_its_blobs_and_its_size(image: Document) -> None:
    manifest = read(image)

    assert manifest.shape is DocumentKind.IMAGE
    assert manifest.config
    assert manifest.kind == manifest.config.media_type
    assert len(manifest.layers) == 1
    assert manifest.children == ()
    assert manifest.names == frozenset()
    blobs = manifest.config.size + manifest.layers[0].size
    assert manifest.content_size == manifest.size + blobs


@pytest.mark.parametrize("media_type", [OCI_INDEX, documents.DOCKER_LIST])
def test_an_index_names_its_children_with_their_platforms(media_type: str) -> None:
    amd, arm = documents.image("amd"), documents.image("arm", platform="linux/arm64")

    manifest = read(documents.index(amd, arm, docker=media_type != OCI_INDEX))

    assert manifest.shape is DocumentKind.INDEX
    assert [child.digest for child in manifest.children] == [amd.digest, arm.digest]
    assert [child.platform for child in manifest.children] == ["linux/amd64", "linux/arm64"]
    assert all(child.is_plain_image for child in manifest.children)
    assert manifest.names == {amd.digest, arm.digest}


def test_a_nested_index_is_no_plain_image_and_has_to_be_read() -> None:
    inner = documents.index(documents.image("amd"))

    (child,) = read(documents.index(inner)).children

    assert child.digest == inner.digest
    assert not child.is_plain_image
    assert child.is_manifest


def test_a_buildkit_attestation_is_marked_by_the_index_that_lists_it() -> None:
    amd = documents.image("amd")
    old, new = documents.attestation(amd, referrer=False), documents.attestation(amd)

    index = read(documents.index(amd, old, new))

    assert [child.attestation for child in index.children] == [False, True, True]
    assert all(child.is_plain_image for child in index.children)
    assert [read(old).subject, read(new).subject] == [None, amd.digest]


def test_an_attestation_is_marked_by_its_artifact_type_alone() -> None:
    kind = "application/vnd.docker.attestation.manifest.v1+json"

    (child,) = parsed(listing(artifactType=kind)).children

    assert child.attestation


def test_a_referrer_names_its_subject_and_its_artifact_type() -> None:
    web = documents.image("web")

    manifest = read(documents.artifact("bundle", subject=web))

    assert manifest.subject == web.digest
    assert manifest.names == {web.digest}
    assert manifest.kind == "application/vnd.dev.sigstore.bundle.v0.3+json"


def test_an_index_may_be_a_referrer_and_names_both() -> None:
    web, part = documents.image("web"), documents.image("part")

    manifest = read(documents.index(part, subject=web))

    assert manifest.names == {web.digest, part.digest}


def test_a_build_cache_in_index_form_lists_blobs_and_no_manifests() -> None:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": SOME, "size": 9}
    config = {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": OTHER, "size": 9}

    manifest = parsed({"mediaType": OCI_INDEX, "manifests": [layer, config]})

    assert manifest.shape is DocumentKind.INDEX
    assert [child.is_blob for child in manifest.children] == [True, True]
    assert not any(child.is_manifest for child in manifest.children)


def test_an_index_without_media_type_is_one_by_its_shape() -> None:
    manifest = parsed(listing(), "application/vnd.oci.image.index.v1+json; charset=utf-8")

    assert manifest.shape is DocumentKind.INDEX
    assert manifest.media_type == OCI_INDEX


def test_a_document_of_an_unknown_type_is_still_followed() -> None:
    manifest = parsed(
        {"mediaType": "application/x-future", **listing(), "subject": {"digest": OTHER}}
    )

    assert manifest.names == {SOME, OTHER}


def test_an_empty_index_is_an_index() -> None:
    assert parsed({"mediaType": OCI_INDEX, "manifests": []}).shape is DocumentKind.INDEX


def test_members_that_are_null_are_missing() -> None:
    manifest = parsed(IMAGE | {"manifests": None, "subject": None, "annotations": None})

    assert (manifest.shape, manifest.subject) == (DocumentKind.IMAGE, None)


def test_a_withdrawn_artifact_manifest_keeps_its_subject() -> None:
    kind = "application/vnd.oci.artifact.manifest.v1+json"

    manifest = parsed({"mediaType": kind, "blobs": [], "subject": {"digest": SOME}})

    assert (manifest.shape, manifest.subject) == (DocumentKind.OPAQUE, SOME)


def test_the_time_that_a_publisher_claims_is_noted_as_written() -> None:
    annotations = {"org.opencontainers.image.created": "2026-01-31T12:00:00Z"}

    assert parsed(IMAGE | {"annotations": annotations}).created == "2026-01-31T12:00:00Z"


def test_a_platform_is_written_as_docker_writes_it() -> None:
    platform = {"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "x"}

    (child,) = parsed(listing(platform=platform)).children

    assert child.platform == "linux/arm/v7"
