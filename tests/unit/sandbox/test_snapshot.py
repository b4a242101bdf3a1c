"""Snapshots: what they hold, and what they refuse."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.errors import ManifestError
from reconciler.model.snapshot import ContentRecord, Snapshot
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.package import sha256
from reconciler.sandbox.snapshots import packages_of, snapshot_of
from tests.unit.sandbox.conftest import NOW, small_package

IMAGE = image("written by hand")


def written(**package: Any) -> Snapshot:
    """Read a snapshot such as a person might write."""
    version = {"digest": IMAGE.digest, "created_at": "2026-08-01T00:00:00Z", "tags": ["1.0"]}
    manifest = {"media_type": IMAGE.media_type, "text": IMAGE.body.decode()}
    defaults = {
        "owner": "acme",
        "name": "web",
        "versions": [version],
        "manifests": {IMAGE.digest: manifest},
    }
    return Snapshot.model_validate_json(
        json.dumps({"taken_at": "2026-09-01T00:00:00Z", "packages": [defaults | package]})
    )


def test_a_snapshot_written_by_hand_needs_no_ids() -> None:
    (package,) = packages_of(written())

    version = package.tags["1.0"]
    assert version.body == IMAGE.body
    assert version.id > 1_300_000_000
    assert version.updated_at == version.created_at


def test_pushing_goes_on_after_the_ids_of_a_snapshot() -> None:
    (package,) = packages_of(snapshot_of([small_package()], NOW))

    pushed = package.push(image("later"), at=NOW + timedelta(days=1))

    assert pushed.id > max(version.id for version in package.live if version is not pushed)


def test_a_version_without_its_manifest_is_listed_and_cannot_be_read() -> None:
    (package,) = packages_of(written(manifests={}))

    assert package.tags["1.0"].body is None


def test_bytes_that_are_no_text_come_back_as_they_were() -> None:
    body = b"\xff\x00\xfe"

    record = ContentRecord.of(body)

    assert record.text is None
    assert ContentRecord.model_validate_json(record.model_dump_json()).body == body


def test_a_manifest_that_is_not_what_its_digest_promises_is_refused() -> None:
    forged = {sha256(b"other"): {"text": "{}"}}

    with pytest.raises(ManifestError, match="other bytes than this digest promises"):
        written(manifests=forged)


@pytest.mark.parametrize(
    "package",
    [
        {"secret": "x"},
        {"visibility": "hidden"},
        {"manifests": {IMAGE.digest: {}}},
        {"versions": [{"digest": "sha256:short", "created_at": "2026-08-01T00:00:00Z"}]},
        {"versions": [{"digest": IMAGE.digest, "created_at": "2026-08-01T00:00:00"}]},
    ],
)
def test_what_a_snapshot_does_not_know_is_refused(package: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        written(**package)
