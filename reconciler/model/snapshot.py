"""A copy of packages at one moment, as one JSON document that the sandbox can serve."""

import base64
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import AwareDatetime, NonNegativeInt, model_validator

from reconciler.model.base import Frozen
from reconciler.model.manifest import verify
from reconciler.model.names import Digest, Tag

OwnerKind = Literal["Organization", "User"]
Visibility = Literal["public", "private", "internal"]


class ContentRecord(Frozen):
    """The bytes of one manifest or blob: as text if they are UTF-8, else as base64."""

    media_type: str = ""
    text: str | None = None
    base64: str | None = None

    @classmethod
    def of(cls, body: bytes, media_type: str = "") -> Self:
        """Record bytes as text if possible."""
        try:
            return cls(media_type=media_type, text=body.decode())
        except UnicodeDecodeError:
            return cls(media_type=media_type, base64=base64.b64encode(body).decode())

    @property
    def body(self) -> bytes:
        """The bytes as they were recorded."""
        return self.text.encode() if self.text is not None else base64.b64decode(self.base64 or "")

    @model_validator(mode="after")
    def _has_one_form(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("give exactly one of `text` and `base64`")
        return self


class VersionRecord(Frozen):
    """One manifest as the registry listed it.

    Shape: `id` may be left out of a snapshot written by hand; the sandbox then counts.
    """

    digest: Digest
    created_at: AwareDatetime
    id: int | None = None
    tags: tuple[Tag, ...] = ()
    updated_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None
    downloads: NonNegativeInt = 0


class PackageRecord(Frozen):
    """One package with its versions and the bytes that were read.

    Shape: a version whose manifest is missing from `manifests` is listed but cannot be read.
    Raises: ManifestError, when bytes do not hash to the digest they are recorded under.
    """

    owner: str
    name: str
    owner_kind: OwnerKind = "Organization"
    visibility: Visibility = "private"
    versions: tuple[VersionRecord, ...] = ()
    manifests: Mapping[Digest, ContentRecord] = {}
    blobs: Mapping[Digest, ContentRecord] = {}

    @model_validator(mode="after")
    def _holds_what_it_says(self) -> Self:
        # The sandbox must not serve what no registry could, even if the file was edited by hand.
        for digest, content in self.manifests.items():
            verify(digest, content.body)
        return self


class SnapshotFormat(Frozen):
    """The format of the document."""

    name: Literal["reconciler-snapshot"] = "reconciler-snapshot"
    version: Literal[1] = 1


class Snapshot(Frozen):
    """Packages of one registry at the moment `taken_at`."""

    taken_at: AwareDatetime
    packages: tuple[PackageRecord, ...]
    format: SnapshotFormat = SnapshotFormat()
