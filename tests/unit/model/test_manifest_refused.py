"""What cannot be verified and read is missing evidence, and never half a manifest."""

import base64
import hashlib
import json
from typing import Any

import pytest

from reconciler.errors import ManifestError
from reconciler.model.manifest import MAX_MANIFEST_BYTES, DocumentKind, parse_manifest, verify
from reconciler.model.names import Digest
from tests.support import documents

SOME = "sha256:" + "5" * 64
IMAGE: dict[str, Any] = {"config": {"digest": SOME, "size": 7}, "layers": []}
INDEX: dict[str, Any] = {"manifests": [{"digest": SOME, "size": 1}]}


def digest_of(body: bytes) -> Digest:
    return Digest(documents.digest_of(body))


def refused(body: bytes) -> str:
    with pytest.raises(ManifestError) as error:
        parse_manifest(digest_of(body), "", body)
    assert digest_of(body) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("second", ["config", "layers", "fsLayers", "blobs"])
def test_a_document_that_is_an_index_and_something_else_is_refused(second: str) -> None:
    body = json.dumps(INDEX | {second: []}).encode()

    assert "neither image nor index" in refused(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b'{"manifests": {}}',
        b'{"manifests": "x"}',
        b'{"manifests": [1]}',
        b'{"manifests": [{}]}',
        b'{"manifests": [{"digest": "latest"}]}',
        b'{"manifests": [{"digest": 7}]}',
        b'{"manifests": [{"digest": "sha384:00"}]}',
        b'{"layers": [], "subject": {"digest": "x"}}',
        b'{"layers": [], "subject": "x"}',
        b"\xff\xfe{",
        b"[" * 100_000,
        b'{"layers":' * 50_000,
        b'{"layers": [], "size": ' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_manifest_is_refused_by_name(body: bytes) -> None:
    assert refused(body)


_ENTRY = f'{{"digest": "{SOME}", "size": 1}}'


@pytest.mark.parametrize(
    "body",
    [
        f'{{"manifests": [], "Manifests": [{_ENTRY}]}}',
        f'{{"Manifests": [{_ENTRY}]}}',
        f'{{"MANIFESTS": [{_ENTRY}], "layers": []}}',
        f'{{"manife\u017fts": [{_ENTRY}], "layers": []}}',
        f'{{"manifests": [], "manifests": [{_ENTRY}]}}',
        f'{{"layers": [], "Subject": {_ENTRY}}}',
        f'{{"layers": [], "subject": {_ENTRY}, "subject": null}}',
        f'{{"layers": [], "subject": {{"Digest": "{SOME}"}}}}',
        f'{{"manifests": [{{"digest": "{SOME}", "Digest": "sha256:{"6" * 64}"}}]}}',
        f'{{"manifests": [{{"digest": "{SOME}", "digest": "sha256:{"6" * 64}"}}]}}',
        f'{{"manifests": [{{"digest": "{SOME}", "mediatype": "x"}}]}}',
        f'{{"manifests": [{{"digest": "{SOME}", "platform": {{"OS": "linux"}}}}]}}',
        f'{{"config": {{"digest": "{SOME}", "MediaType": "x"}}, "layers": []}}',
        '{"layers": [], "artifacttype": "x"}',
        '{"layers": [], "x-own": 1, "X-Own": 2}',
        '{"layers": [], "annotations": {"a": "1", "a": "2"}}',
    ],
)
def test_a_document_that_clients_read_in_different_ways_is_refused(body: str) -> None:
    assert "clients differ" in refused(body.encode())


def test_annotations_may_differ_by_case() -> None:
    body = b'{"layers": [], "annotations": {"Name": "1", "name": "2"}}'

    assert parse_manifest(digest_of(body), "", body).shape is DocumentKind.IMAGE


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"manifests": null}',
        b'{"artifactType": "text/plain"}',
        b'{"layers": [], "config": "x"}',
        b'{"layers": [], "config": {"mediaType": "x"}}',
        b'{"layers": [], "config": {"mediaType": "x", "digest": "", "size": 0}}',
        b'{"layers": [{"digest": "blake3:00", "size": 1}]}',
        b'{"layers": [{"digest": "sha256:00", "size": -1}]}',
        b'{"layers": {}}',
        b'{"layers": [], "annotations": [1]}',
        b'{"layers": [], "mediaType": "\\ud800"}',
        b'{"layers": [], "artifactType": "\\udfff"}',
    ],
)
def test_what_lists_nothing_is_opaque_however_odd_it_is(body: bytes) -> None:
    manifest = parse_manifest(digest_of(body), "application/x-odd", body)

    assert manifest.shape is DocumentKind.OPAQUE
    assert manifest.oddity
    assert manifest.names == frozenset()


@pytest.mark.parametrize("rest", ['"layers": [{}]', '"config": {"digest": ""}', '"blobs": null'])
def test_an_odd_document_still_names_its_subject(rest: str) -> None:
    body = f'{{"subject": {{"digest": "{SOME}"}}, {rest}}}'.encode()

    assert parse_manifest(digest_of(body), "", body).names == {SOME}


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

    assert manifest.shape is DocumentKind.OPAQUE
    assert json.loads(body)["schemaVersion"] == 1


def test_a_document_around_a_payload_is_not_read_in_its_place() -> None:
    payload = json.dumps(INDEX).encode()
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
