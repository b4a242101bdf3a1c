"""Manifests as a real build writes them: plain bytes, made without Reconciler's own model."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

_CONFIG = "application/vnd.oci.image.config.v1+json"
_DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_IN_TOTO = "application/vnd.in-toto+json"
_ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True)
class Document:
    """One manifest, with all that a registry wants to hold before it accepts it."""

    media_type: str
    content: bytes
    blobs: tuple[bytes, ...] = ()
    children: tuple["Document", ...] = ()
    listing: Mapping[str, Any] = field(default_factory=dict)
    """What an index adds when it lists this manifest: `platform`, `annotations`."""

    @property
    def digest(self) -> str:
        """The address under which a registry stores the bytes."""
        return digest_of(self.content)

    @property
    def hex(self) -> str:
        """The digest without its algorithm, as signature tags spell it."""
        return self.digest.removeprefix("sha256:")

    @property
    def descriptor(self) -> dict[str, Any]:
        """The document as another one names it, say as its `subject`."""
        return _descriptor(self.media_type, self.content)


def digest_of(content: bytes) -> str:
    """Address some bytes by their sha256."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def image(
    name: str,
    *,
    platform: str = "linux/amd64",
    created: str = "2026-01-01T00:00:00Z",
    layers: Sequence[bytes] = (),
    annotations: Mapping[str, str] | None = None,
    docker: bool = False,
) -> Document:
    """Build one platform's image; the same `name` gives the same digest."""
    operating_system, architecture = platform.split("/")
    parts = (f"layer of {name}".encode(), *layers)
    config = _json(
        {
            "os": operating_system,
            "architecture": architecture,
            "created": created,
            "config": {"Labels": {"name": name}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(part) for part in parts]},
        }
    )
    return _manifest(
        DOCKER_MANIFEST if docker else MANIFEST,
        config=(_DOCKER_CONFIG if docker else _CONFIG, config),
        layers=[
            (_DOCKER_LAYER if docker else _LAYER, gzip.compress(part, mtime=0)) for part in parts
        ],
        more={"annotations": dict(annotations)} if annotations else {},
        listing={"platform": {"os": operating_system, "architecture": architecture}},
    )


def index(
    *children: Document,
    docker: bool = False,
    subject: Document | None = None,
    artifact_type: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Document:
    """List some manifests in an index (in a Docker list, when asked); indexes may be nested."""
    media_type = DOCKER_LIST if docker else INDEX
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [child.descriptor | dict(child.listing) for child in children],
    }
    if artifact_type:
        body["artifactType"] = artifact_type
    if subject:
        body["subject"] = subject.descriptor
    if annotations:
        body["annotations"] = dict(annotations)
    return Document(media_type, _json(body), children=children)


def attestation(of: Document, *, referrer: bool = True) -> Document:
    """Build the provenance that BuildKit puts beside a platform image in its index.

    Source: BuildKit, docs/attestations/attestation-storage.md; `referrer` is its newer form,
    in which the manifest also names the image as its `subject`.
    """
    statement = _json({"predicateType": "https://slsa.dev/provenance/v1", "of": of.digest})
    newer = {"artifactType": _ATTESTATION, "subject": of.descriptor}
    return _manifest(
        MANIFEST,
        config=(_EMPTY, b"{}") if referrer else (_CONFIG, _json({"of": of.digest})),
        layers=[(_IN_TOTO, statement)],
        more=newer if referrer else {},
        listing={
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": of.digest,
            },
        },
    )


def artifact(
    name: str, *, subject: Document | None = None, artifact_type: str = _BUNDLE
) -> Document:
    """Build an artifact, by default a sigstore bundle; with a `subject` it is a referrer."""
    more: dict[str, Any] = {"artifactType": artifact_type}
    if subject:
        more["subject"] = subject.descriptor
    return _manifest(
        MANIFEST,
        config=(_EMPTY, b"{}"),
        layers=[("application/json", _json({"name": name}))],
        more=more,
        listing={"artifactType": artifact_type},
    )


def signature(of: Document) -> Document:
    """Build a classic cosign signature: only the tag it is pushed under names its subject."""
    payload = _json({"critical": {"image": {"docker-manifest-digest": of.digest}}})
    simple_signing = "application/vnd.dev.cosign.simplesigning.v1+json"
    config = _json({"architecture": "", "os": "", "created": "0001-01-01T00:00:00Z"})
    return _manifest(MANIFEST, config=(_CONFIG, config), layers=[(simple_signing, payload)])


def fallback_tag(subject: Document) -> str:
    """Name the tag under which clients keep the index of a subject's referrers."""
    return f"sha256-{subject.hex}"


def cosign_tag(subject: Document, kind: str = "sig") -> str:
    """Name the tag of a cosign signature (`sig`), attestation (`att`) or SBOM (`sbom`)."""
    return f"sha256-{subject.hex}.{kind}"


def _manifest(
    media_type: str,
    *,
    config: tuple[str, bytes],
    layers: Sequence[tuple[str, bytes]],
    more: Mapping[str, Any] | None = None,
    listing: Mapping[str, Any] | None = None,
) -> Document:
    """Put a manifest together from its typed blobs."""
    body = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _descriptor(*config),
        "layers": [_descriptor(*layer) for layer in layers],
        **(more or {}),
    }
    blobs = (config[1], *(content for _, content in layers))
    return Document(media_type, _json(body), blobs=blobs, listing=listing or {})


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
