"""Bytes with their address: manifests and blobs as a registry stores them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Content:
    """One manifest or blob, with the blobs that must be there before it can be pulled."""

    media_type: str
    body: bytes
    artifact_type: str = ""
    blobs: tuple["Content", ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the address of the bytes."""
        object.__setattr__(self, "digest", sha256(self.body))

    def descriptor(self, **members: Any) -> dict[str, Any]:
        """Describe this content to a document that names it; `members` come on top."""
        kind = {"artifactType": self.artifact_type} if self.artifact_type else {}
        size = len(self.body)
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": size,
            **kind,
            **members,
        }


def sha256(body: bytes) -> str:
    """Address bytes the way every registry does."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def document(media_type: str, members: Mapping[str, Any], *blobs: Content) -> Content:
    """Write a manifest or index; its members stay in the order given, as real tools keep it."""
    body = {"schemaVersion": 2, "mediaType": media_type, **members}
    artifact_type = str(members.get("artifactType", ""))
    return Content(
        media_type, json.dumps(body, separators=(",", ":")).encode(), artifact_type, blobs
    )
