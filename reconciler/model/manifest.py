"""Documents of a registry, read by their shape: images, indexes, and what we only keep."""

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
"""What a reader asks for; a registry may answer 404 for a type that is not asked for."""

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
    """What a document is, by its members and not by its label."""

    INDEX = "index"
    IMAGE = "image"
    OPAQUE = "opaque"
    """Lists no manifest, and its content cannot be read: nothing to follow but a `subject`."""


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
    """BuildKit's mark: this child describes a sibling and belongs to the index listing it."""

    foreign: bool = False
    """Whether its bytes may not be distributed and lie elsewhere, so that no registry need have
    them. Source: OCI image-spec v1.1, layer.md, "Non-Distributable Layers"; descriptor.md, `urls`.
    """

    @property
    def is_plain_image(self) -> bool:
        """Whether it is plainly a platform image or BuildKit attestation, so needs no reading.

        Source: BuildKit, docs/attestations/attestation-storage.md.
        """
        return self.media_type in _IMAGE_TYPES and bool(self.platform)

    @property
    def is_blob(self) -> bool:
        """Whether the label says layer or build-cache configuration: no manifest to look for.

        Source: BuildKit, cache/remotecache (caches in index form list their layers).
        """
        return ".layer." in self.media_type or self.media_type.startswith(_BLOB_TYPES)

    @property
    def is_image_config(self) -> bool:
        """Whether it is an image's configuration, which tells when that was built."""
        return self.media_type in _CONFIG_TYPES

    @property
    def is_manifest(self) -> bool:
        """Whether the label says manifest or index, and not a layer of a build cache."""
        return self.media_type in _IMAGE_TYPES | _INDEX_TYPES


@dataclass(frozen=True, slots=True)
class Manifest:
    """One document: what it is, and every digest it names.

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
        """Every manifest digest this document names: its children and its subject."""
        children = frozenset(child.digest for child in self.children)
        return children | {self.subject} if self.subject else children


def parse_manifest(digest: Digest, content_type: str, body: bytes) -> Manifest:
    """Verify a document against its digest and read it by its shape.

    What it lists and its subject are read strictly, since they keep other versions. Whatever
    else cannot be read makes a document opaque that lists nothing.

    Raises: ManifestError, when the bytes do not hash to `digest`, are not a JSON object, can be
        read in two ways, or list something that is no digest: all of it is missing evidence.
    Source: OCI image-spec v1.1, manifest.md and image-index.md.
    """
    document = _json_object(digest, verify(digest, body))
    label = content_type.partition(";")[0].strip()
    try:
        return _read(digest, label, len(body), document)
    except _UNREADABLE as error:
        raise ManifestError(f"{digest}: not a readable manifest: {error}") from error


def verify(digest: Digest, body: bytes) -> bytes:
    """Check that bytes are what their digest promises; return those that it was computed from.

    They differ for signed schema 1 documents. Nothing else in the body is vouched for.

    Raises: ManifestError, when they are too large or hash to something else.
    """
    if len(body) > MAX_MANIFEST_BYTES:
        raise ManifestError(f"{digest}: larger than {MAX_MANIFEST_BYTES} bytes")
    algorithm = digest.partition(":")[0]
    for text in _texts(body):
        if digest == f"{algorithm}:{hashlib.new(algorithm, text).hexdigest()}":
            return text
    raise ManifestError(f"{digest}: the registry sent other bytes than this digest promises")


def _texts(body: bytes) -> Iterator[bytes]:
    """Yield the texts a digest may stand for: the bytes, or a schema 1 payload inside them.

    Source: distribution, docs/content/spec/deprecated-schema-v1.md, "Signed Manifests".
    """
    yield body
    try:
        header = json.loads(_base64(json.loads(body)["signatures"][0]["protected"]))
        yield body[: header["formatLength"]] + _base64(header["formatTail"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return


def _base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_UNREADABLE = (LookupError, TypeError, ValueError, OverflowError, AttributeError)

_KNOWN_KEYS = {
    key.casefold(): key
    for key in (
        *("mediaType", "artifactType", "manifests", "config", "layers", "subject", "annotations"),
        *("fsLayers", "blobs", "digest", "size", "urls", "platform"),
        *("os", "architecture", "variant"),
    )
}
"""The keys that are read, by how clients spell them that do not regard case."""


class _Object(dict[str, Any]):
    """A JSON object that remembers whether a key stood in it twice."""

    repeats = False


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    document = _Object(pairs)
    if len(document) != len(pairs):
        document.repeats = True
    return document


def _json_object(digest: Digest, body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{digest}: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError(f"{digest}: not a JSON object")
    _refuse_ambiguous(digest, document)
    return document


def _refuse_ambiguous(digest: Digest, document: Mapping[str, Any]) -> None:
    """Refuse a document that clients read in different ways, at each level that is read here.

    Some take the first of two equal keys and some the last; Go's do not regard case. What one
    of them takes for a child another one, and whoever judges by it, does not see.

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
        for key in members:
            other = folded.setdefault(key.casefold(), key)
            if other != key or _KNOWN_KEYS.get(key.casefold(), key) != key:
                raise ManifestError(f"{digest}: clients differ in how they read its key {key!r}")
        _refuse_repeats(digest, members)
        _refuse_repeats(digest, members.get("annotations"))


def _refuse_repeats(digest: Digest, members: object) -> None:
    """Refuse an object in which one key stands twice; the keys of annotations may differ by case.

    Raises: ManifestError.
    """
    if isinstance(members, _Object) and members.repeats:
        raise ManifestError(f"{digest}: clients differ in how they read it: a key stands twice")


def _read(digest: Digest, label: str, size: int, document: Mapping[str, Any]) -> Manifest:
    """Read an index strictly; of anything else, which lists no manifest, what can be read."""
    subject = _subject(document.get("subject"))
    if document.get("manifests") is not None:
        _refuse_two_shapes(document)
        return _index(digest, label, size, document, subject)
    try:
        return _content(digest, label, size, document, subject)
    except _UNREADABLE as error:
        return Manifest(
            digest, DocumentKind.OPAQUE, label, size, subject=subject, oddity=str(error)
        )


def _index(
    digest: Digest, label: str, size: int, document: Mapping[str, Any], subject: Digest | None
) -> Manifest:
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


def _content(
    digest: Digest, label: str, size: int, document: Mapping[str, Any], subject: Digest | None
) -> Manifest:
    """Read an image, an artifact, or a document of schema 1 or of a withdrawn kind."""
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


_OPAQUE_MEMBERS = ("fsLayers", "blobs")


def _refuse_two_shapes(document: Mapping[str, Any]) -> None:
    """Refuse an index that is an image as well: clients differ in what they take it for.

    Raises: ValueError.
    """
    for member in ("config", "layers", *_OPAQUE_MEMBERS):
        if document.get(member) is not None:
            raise ValueError(f"it is neither image nor index: it has both manifests and {member}")


def _subject(entry: Any) -> Digest | None:
    """Read a subject; one without a digest names nothing.

    Raises: TypeError, ValueError or AttributeError, for a digest that no version here can have.
    """
    named = entry.get("digest") if entry else None
    return Digest(named) if named else None


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
    return Descriptor(
        digest=Digest(entry["digest"]),
        media_type=media_type,
        size=_size(entry.get("size")),
        artifact_type=artifact_type,
        platform=_text(_platform(entry.get("platform") or {})),
        attestation=annotations.get(_REFERENCE_TYPE) == "attestation-manifest"
        or artifact_type == ATTESTATION_TYPE,
        foreign=bool(entry.get("urls")) and any(mark in media_type for mark in _FOREIGN_TYPES),
    )


def _size(value: Any) -> int:
    """Read a size in bytes. Source: OCI image-spec v1.1, descriptor.md (`size` is an int64)."""
    size = int(value or 0)
    if not 0 <= size < 1 << 63:
        raise ValueError("a size is no number of bytes")
    return size


def _platform(platform: Mapping[str, Any]) -> str:
    """Write a platform as `os/architecture[/variant]`, the notation of `docker --platform`."""
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join(str(part) for part in parts if part)


def _text(value: object) -> str:
    """Read a text that may be missing, and share it with its many equals.

    Raises: UnicodeEncodeError, for half a character, which no plan could be written with.
    """
    text = str(value or "")
    text.encode()
    return _shared(text)


@lru_cache(maxsize=4096)
def _shared(text: str) -> str:
    """Return one copy of a text that a hundred thousand documents repeat, such as a type."""
    return text
