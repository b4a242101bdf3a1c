"""Parse manifests by their members: images, indexes, and opaque documents."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from reconciler.errors import ManifestError
from reconciler.model.names import Digest

MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""Largest document read, in bytes. Source: OCI distribution-spec v1.1, "Pushing Manifests"."""


OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ACCEPTED = (
    OCI_INDEX,
    OCI_MANIFEST,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    "application/vnd.oci.artifact.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    "application/vnd.docker.distribution.manifest.v1+json",
    "*/*;q=0.1",
)
"""The Accept header; a registry may answer 404 for a media type that is not in it."""

CREATED = "org.opencontainers.image.created"
ATTESTATION_TYPE = "application/vnd.docker.attestation.manifest.v1+json"
_REFERENCE_TYPE = "vnd.docker.reference.type"
_IMAGE_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
_CONFIG_TYPES = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
_BLOB_TYPES = (
    "application/vnd.buildkit.cacheconfig",
    "application/vnd.docker.image.rootfs",
)
_FOREIGN_TYPES = (".nondistributable.", ".foreign.")
_INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_LIST})


class DocumentKind(StrEnum):
    """What a document is, by its members and not by its media type."""

    INDEX = "index"
    IMAGE = "image"
    OPAQUE = "opaque"
    """Lists no manifest, and its content cannot be read: it has no links except a `subject`."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A link to content. Source: OCI image-spec v1.1, descriptor.md.

    Units: `size` in bytes of the content named.
    """

    digest: Digest
    media_type: str = OCI_MANIFEST
    size: int = 0
    artifact_type: str = ""
    platform: str = ""
    attestation: bool = False
    """BuildKit's annotation: this child describes another child of the index that lists it."""

    foreign: bool = False
    """Whether it is non-distributable and stored elsewhere, so that the registry need not have it.
    Source: OCI image-spec v1.1, layer.md, "Non-Distributable Layers"; descriptor.md, `urls`.
    """

    @property
    def is_plain_image(self) -> bool:
        """Whether it is a plain platform image or BuildKit attestation, which need not be read.

        Source: BuildKit, docs/attestations/attestation-storage.md.
        """
        return self.media_type in _IMAGE_TYPES and bool(self.platform)

    @property
    def is_blob(self) -> bool:
        """Whether its media type is a layer or build-cache configuration, and not a manifest.

        Source: BuildKit, cache/remotecache (caches in index form list their layers).
        """
        return ".layer." in self.media_type or self.media_type.startswith(_BLOB_TYPES)

    @property
    def is_image_config(self) -> bool:
        """Whether it is an image configuration, which has the time of the build."""
        return self.media_type in _CONFIG_TYPES

    @property
    def is_manifest(self) -> bool:
        """Whether its media type is a manifest or an index, and not a layer of a build cache."""
        return self.media_type in _IMAGE_TYPES | _INDEX_TYPES


@dataclass(frozen=True, slots=True)
class Manifest:
    """One parsed document, with every digest that it refers to.

    Units: `size` in bytes of the document. `children` may name blobs (build caches).
    """

    digest: Digest
    shape: DocumentKind
    media_type: str
    size: int
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    children: tuple[Descriptor, ...] = ()
    subject: Digest | None = None
    created: str = ""
    """The publisher's own claim (annotation); not the registry's time."""

    oddity: str = ""
    """Why an opaque document could not be read as an image; empty for known opaque kinds."""

    @property
    def kind(self) -> str:
        """The artifact type: declared, else the config's media type, else the document's."""
        return self.artifact_type or (self.config.media_type if self.config else self.media_type)

    @property
    def content_size(self) -> int:
        """Bytes of the image's own content: document, configuration and layers."""
        config = self.config.size if self.config else 0
        return self.size + config + sum(layer.size for layer in self.layers)

    @property
    def names(self) -> frozenset[Digest]:
        """Every manifest digest that it refers to: its children and its subject."""
        # Without layers and configuration: blobs are not versions and are never deleted.
        children = frozenset(child.digest for child in self.children)
        return children | {self.subject} if self.subject else children


def parse_manifest(digest: Digest, content_type: str, body: bytes) -> Manifest:
    """Verify a document against its digest and parse it by its members.

    Its children and its subject are parsed strictly, since it keeps other versions by them. If
    another part is unreadable, the document is opaque.

    Raises: ManifestError, when the bytes do not hash to `digest`, are not a JSON object, can be
        parsed in two ways, or list an invalid digest: all of these are missing evidence.
    Source: OCI image-spec v1.1, manifest.md and image-index.md.
    """
    verified = verify(digest, body)
    try:
        document = json.loads(verified, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{digest}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{digest}: not a JSON object")
    _refuse_ambiguous(digest, document)
    # Parameters such as a charset are not part of the media type.
    label = content_type.partition(";")[0].strip()
    try:
        return _read(digest, label, len(body), document)
    except _UNREADABLE as error:
        raise ManifestError(f"{digest}: not a readable manifest: {error}") from error


def verify(digest: Digest, body: bytes) -> bytes:
    """Check that bytes match their digest; return the bytes that were hashed.

    For signed schema 1 documents these are only a part of the body; the rest is not verified.

    Raises: ManifestError, when they are too large or hash to something else.
    """
    if len(body) > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{digest}: larger than {MAX_MANIFEST_BYTES} bytes")
    # The digest is computed here and not taken from the Docker-Content-Digest header, since the
    # registry chooses that header too.
    algorithm = digest.partition(":")[0]
    for text in _texts(body):
        if digest == f"{algorithm}:{hashlib.new(algorithm, text).hexdigest()}":
            return text
    raise ManifestError(f"{digest}: the registry sent other bytes than this digest promises")


def _texts(body: bytes) -> Iterator[bytes]:
    """Yield the bytes that a digest may be the hash of: the body, or the schema 1 payload in it.

    Source: distribution, docs/content/spec/deprecated-schema-v1.md, "Signed Manifests".
    """
    yield body
    try:
        header = json.loads(_base64(json.loads(body)["signatures"][0]["protected"]))
        yield body[: header["formatLength"]] + _base64(header["formatTail"])
    # Not a signed schema 1 document: only the body itself can have the digest.
    except (ValueError, LookupError, TypeError, RecursionError):
        return


def _base64(text: str) -> bytes:
    # JSON Web Signatures leave out the padding. Source: RFC 7515, section 2.
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_OPAQUE_MEMBERS = ("fsLayers", "blobs")
_UNREADABLE = (LookupError, TypeError, ValueError, OverflowError, AttributeError)

_KNOWN_KEYS = {
    key.casefold(): key
    for key in (
        *("mediaType", "artifactType", "manifests", "config", "layers", "subject", "annotations"),
        *("fsLayers", "blobs", "digest", "size", "urls", "platform"),
        *("os", "architecture", "variant"),
    )
}
"""The keys that are read, by their case-folded spelling: some clients ignore case."""

_PLAIN_KEYS = {*_KNOWN_KEYS.values(), "schemaVersion"}
"""Keys of which no two differ in case only."""


class _Object(dict[str, Any]):
    """A JSON object that records whether a key occurred twice."""

    repeats = False


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    document = _Object(pairs)
    if len(document) != len(pairs):
        document.repeats = True
    return document


def _refuse_ambiguous(digest: Digest, document: Mapping[str, Any]) -> None:
    """Refuse a document that clients parse in different ways, at each level that is read here.

    Some clients use the first of two equal keys and some the last; those written in Go ignore case.
    A child that one client finds would be missing for another, or for this decision.

    Raises: ManifestError, naming the key.
    Source: Go, encoding/json, "Unmarshal".
    """
    described = [document.get("subject"), document.get("config")]
    for member in ("manifests", "layers"):
        entries = document.get(member)
        described += entries if isinstance(entries, list) else ()
    objects = [entry for entry in described if isinstance(entry, dict)]
    objects += [entry["platform"] for entry in objects if isinstance(entry.get("platform"), dict)]
    for members in (document, *objects):
        folded: dict[str, str] = {}
        # Nearly all objects have only keys that are spelled as they should be.
        for key in () if members.keys() <= _PLAIN_KEYS else members:
            other = folded.setdefault(key.casefold(), key)
            if other != key or _KNOWN_KEYS.get(key.casefold(), key) != key:
                raise ManifestError(f"{digest}: clients differ in how they read its key {key!r}")
        _refuse_repeats(digest, members)
        _refuse_repeats(digest, members.get("annotations"))


def _refuse_repeats(digest: Digest, members: object) -> None:
    """Refuse an object in which a key occurs twice; keys of annotations may differ by case only.

    Raises: ManifestError.
    """
    if isinstance(members, _Object) and members.repeats:
        raise ManifestError(f"{digest}: clients differ in how they read it: a key stands twice")


def _read(digest: Digest, label: str, size: int, document: Mapping[str, Any]) -> Manifest:
    """Parse an index strictly, and any other document, which lists no manifest, where possible."""
    # The subject is parsed first and strictly: an opaque document still refers to it. One without
    # a digest refers to nothing.
    named = (document.get("subject") or {}).get("digest")
    subject = Digest(named) if named else None
    # Members decide, and not the media type, which a publisher may set to anything.
    if document.get("manifests") is not None:
        # Clients disagree on what an index is that is an image as well.
        for member in ("config", "layers", *_OPAQUE_MEMBERS):
            if document.get(member) is not None:
                raise ValueError(
                    f"it is neither image nor index: it has both manifests and {member}"
                )
        return Manifest(
            digest=digest,
            shape=DocumentKind.INDEX,
            media_type=_text(document.get("mediaType") or label),
            size=size,
            artifact_type=_text(document.get("artifactType")),
            children=_descriptors(document, "manifests"),
            subject=subject,
            created=_created(document),
        )
    try:
        return _content(digest, label, size, document, subject)
    except _UNREADABLE as error:
        return Manifest(
            digest, DocumentKind.OPAQUE, label, size, subject=subject, oddity=str(error)
        )


def _content(
    digest: Digest, label: str, size: int, document: Mapping[str, Any], subject: Digest | None
) -> Manifest:
    """Parse an image, an artifact, or a document of schema 1 or of a withdrawn type."""
    # Artifacts may have only one of the two.
    is_image = any(document.get(member) is not None for member in ("config", "layers"))
    is_known = is_image or any(document.get(member) is not None for member in _OPAQUE_MEMBERS)
    config = document.get("config")
    return Manifest(
        digest=digest,
        shape=DocumentKind.IMAGE if is_image else DocumentKind.OPAQUE,
        media_type=_text(document.get("mediaType") or label),
        size=size,
        artifact_type=_text(document.get("artifactType")),
        config=_descriptor(config) if is_image and config else None,
        layers=_descriptors(document, "layers") if is_image else (),
        subject=subject,
        created=_created(document),
        oddity="" if is_known else "it has no manifests, config, layers, fsLayers or blobs",
    )


def _created(document: Mapping[str, Any]) -> str:
    return _text((document.get("annotations") or {}).get(CREATED))


def _descriptors(document: Mapping[str, Any], member: str) -> tuple[Descriptor, ...]:
    entries = [] if document.get(member) is None else document[member]
    if not isinstance(entries, list):
        raise TypeError(f"`{member}` is not a list")
    return tuple(_descriptor(entry) for entry in entries)


def _descriptor(entry: Mapping[str, Any]) -> Descriptor:
    annotations = entry.get("annotations") or {}
    artifact_type = _text(entry.get("artifactType"))
    media_type = _text(entry.get("mediaType"))
    digest = Digest(entry["digest"])
    # A negative or huge size would make the totals of a plan wrong. Source: OCI image-spec v1.1,
    # descriptor.md (`size` is an int64).
    size = int(entry.get("size") or 0)
    if not 0 <= size < 1 << 63:
        raise ValueError("a size is no number of bytes")
    # `os/architecture[/variant]` is the notation of `docker --platform`.
    platform = entry.get("platform") or {}
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return Descriptor(
        digest=digest,
        media_type=media_type,
        size=size,
        artifact_type=artifact_type,
        platform=_text("/".join(str(part) for part in parts if part)),
        # Source: BuildKit, docs/attestations/attestation-storage.md.
        attestation=annotations.get(_REFERENCE_TYPE) == "attestation-manifest"
        or artifact_type == ATTESTATION_TYPE,
        foreign=bool(entry.get("urls")) and any(mark in media_type for mark in _FOREIGN_TYPES),
    )


def _text(value: object) -> str:
    """Read a text that may be missing, and share one copy of equal texts.

    Raises: UnicodeEncodeError, for a lone surrogate, which cannot be written into a plan.
    """
    text = str(value or "")
    # Checked here, so that one hostile document is opaque, and does not make the plan fail later.
    text.encode()
    return _shared(text)


# A million manifests have a few media types and platforms: sharing them saves most of the memory.
@lru_cache(maxsize=4096)
def _shared(text: str) -> str:
    """Return one copy of a text that many documents repeat, such as a media type."""
    return text
