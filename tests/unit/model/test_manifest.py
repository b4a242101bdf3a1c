"""Documents are verified, then read by their shape; what cannot be read is missing evidence."""

import base64
import hashlib
import json
from typing import Any

import pytest

from reconciler.errors import ManifestError
from reconciler.model.manifest import MAX_MANIFEST_BYTES, Manifest, Shape, parse_manifest, verify
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


def refused(body: bytes) -> str:
    with pytest.raises(ManifestError) as error:
        parse_manifest(digest_of(body), OCI_MANIFEST, body)
    assert digest_of(body) in str(error.value)
    return str(error.value)


def listing(**descriptor: object) -> dict[str, Any]:
    return {"manifests": [{"digest": SOME, "mediaType": OCI_MANIFEST, "size": 1, **descriptor}]}


@pytest.mark.parametrize(
    "image", [documents.image("web"), documents.image("web", docker=True)], ids=["oci", "docker"]
)
def test_an_image_names_its_blobs_and_its_size(image: Document) -> None:
    manifest = read(image)

    assert manifest.shape is Shape.IMAGE
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

    assert manifest.shape is Shape.INDEX
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

    assert manifest.shape is Shape.INDEX
    assert [child.is_blob for child in manifest.children] == [True, True]
    assert not any(child.is_manifest for child in manifest.children)


def test_an_index_without_media_type_is_one_by_its_shape() -> None:
    manifest = parsed(listing(), "application/vnd.oci.image.index.v1+json; charset=utf-8")

    assert manifest.shape is Shape.INDEX
    assert manifest.media_type == OCI_INDEX


def test_a_document_of_an_unknown_type_is_still_followed() -> None:
    manifest = parsed(
        {"mediaType": "application/x-future", **listing(), "subject": {"digest": OTHER}}
    )

    assert manifest.names == {SOME, OTHER}


def test_an_empty_index_is_an_index() -> None:
    assert parsed({"mediaType": OCI_INDEX, "manifests": []}).shape is Shape.INDEX


def test_members_that_are_null_are_missing() -> None:
    manifest = parsed(IMAGE | {"manifests": None, "subject": None, "annotations": None})

    assert (manifest.shape, manifest.subject) == (Shape.IMAGE, None)


def test_a_withdrawn_artifact_manifest_keeps_its_subject() -> None:
    kind = "application/vnd.oci.artifact.manifest.v1+json"

    manifest = parsed({"mediaType": kind, "blobs": [], "subject": {"digest": SOME}})

    assert (manifest.shape, manifest.subject) == (Shape.OPAQUE, SOME)


def test_the_time_that_a_publisher_claims_is_noted_as_written() -> None:
    annotations = {"org.opencontainers.image.created": "2026-01-31T12:00:00Z"}

    assert parsed(IMAGE | {"annotations": annotations}).created == "2026-01-31T12:00:00Z"


@pytest.mark.parametrize("second", ["fsLayers", "manifests", "blobs"])
def test_a_document_with_the_members_of_two_shapes_is_refused(second: str) -> None:
    body = json.dumps(IMAGE | {second: []}).encode()

    assert "neither image nor index" in refused(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"manifests": {}}',
        b'{"manifests": "x"}',
        b'{"manifests": [1]}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"digest": "latest"}]}',
        b'{"manifests": [{"digest": 7}]}',
        b'{"manifests": [{"digest": "sha384:00"}]}',
        b'{"layers": [], "config": "x"}',
        b'{"layers": [], "config": {"mediaType": "x"}}',
        b'{"layers": [], "subject": {"digest": "x"}}',
        b'{"layers": [], "subject": "x"}',
        b'{"layers": [], "annotations": [1]}',
        b'{"layers": [], "mediaType": "\\ud800"}',
        b'{"layers": [], "artifactType": "\\udfff"}',
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"layers":' * 50_000,
        b'{"layers": [], "size": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_manifest_is_refused_by_name(body: bytes) -> None:
    assert refused(body)


@pytest.mark.parametrize("size", ["Infinity", "NaN", "1e999", "-1", "9223372036854775808", '"x"'])
def test_a_size_that_is_no_number_of_bytes_is_refused(size: str) -> None:
    descriptor = f'{{"digest": "{SOME}", "size": {size}}}'

    assert "not a readable manifest" in refused(f'{{"manifests": [{descriptor}]}}'.encode())


def test_other_bytes_than_the_digest_promises_are_refused() -> None:
    document = documents.image("web")

    with pytest.raises(ManifestError, match="other bytes than this digest promises"):
        parse_manifest(Digest(SOME), document.media_type, document.content)


def test_a_longer_digest_is_verified_as_well() -> None:
    body = json.dumps(IMAGE).encode()
    digest = Digest(f"sha512:{hashlib.sha512(body).hexdigest()}")

    assert parse_manifest(digest, "", body).digest == digest
    with pytest.raises(ManifestError, match="other bytes"):
        parse_manifest(digest, "", body + b" ")


def test_a_document_larger_than_any_registry_takes_is_refused() -> None:
    body = b" " * (MAX_MANIFEST_BYTES + 1)

    with pytest.raises(ManifestError, match="larger than 4194304 bytes"):
        verify(digest_of(body), body)


def test_a_document_of_the_greatest_size_is_read() -> None:
    body = json.dumps(IMAGE).encode().ljust(MAX_MANIFEST_BYTES)

    assert parse_manifest(digest_of(body), "", body).size == MAX_MANIFEST_BYTES


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def signed(payload: bytes, kept: int, envelope: bytes) -> bytes:
    """Wrap a payload as schema 1 does: its start in the open, its end in the signature."""
    header = {"formatLength": kept, "formatTail": encoded(payload[kept:])}
    signature = {"signatures": [{"protected": encoded(json.dumps(header).encode())}]}
    return envelope + b"," + json.dumps(signature).encode()[1:]


def test_a_signed_schema_1_document_is_known_by_the_digest_of_its_payload() -> None:
    payload = b'{"schemaVersion": 1, "fsLayers": [{"blobSum": "x"}]\n}'
    body = signed(payload, len(payload) - 2, payload[:-2])

    manifest = parse_manifest(digest_of(payload), "", body)

    assert manifest.shape is Shape.OPAQUE
    assert json.loads(body)["schemaVersion"] == 1


def test_a_document_around_a_payload_is_not_read_in_its_place() -> None:
    payload = json.dumps(listing()).encode()
    forged = signed(payload, 0, json.dumps({"layers": []}).encode()[:-1])

    manifest = parse_manifest(digest_of(payload), "", forged)

    assert manifest.names == {SOME}


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        [],
        {},
        [{}],
        [{"protected": 1}],
        [{"protected": "!"}],
        [{"protected": encoded(b"[]")}],
        [{"protected": encoded(b'{"formatLength": "x", "formatTail": ""}')}],
        [{"protected": encoded(b'{"formatLength": 1, "formatTail": null}')}],
        [{"protected": encoded(b"[" * 100_000)}],
    ],
)
def test_a_broken_signature_is_no_way_around_the_digest(signatures: object) -> None:
    body = json.dumps({"fsLayers": [], "signatures": signatures}).encode()

    with pytest.raises(ManifestError, match="other bytes"):
        verify(Digest(SOME), body)


def test_a_platform_is_written_as_docker_writes_it() -> None:
    platform = {"os": "linux", "architecture": "arm", "variant": "v7", "os.version": "x"}

    (child,) = parsed(listing(platform=platform)).children

    assert child.platform == "linux/arm/v7"
