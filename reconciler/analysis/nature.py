"""Classify a version by its tags, its manifest and the index that lists it."""

from enum import StrEnum

from reconciler.model.inventory import Version
from reconciler.model.manifest import ATTESTATION_TYPE, Descriptor, DocumentKind


class Nature(StrEnum):
    """The kinds of versions, named as container tools name them."""

    IMAGE = "image"
    INDEX = "index"
    PLATFORM = "platform image"
    """One platform's image, listed by an index."""

    ATTESTATION = "attestation"
    SIGNATURE = "signature"
    SBOM = "SBOM"
    REFERRERS = "referrers index"
    """Lists the referrers of a version, where the registry does not."""

    CACHE = "build cache"
    ARTIFACT = "artifact"
    """Anything other than a container image: a chart, a model, a bundle."""

    OPAQUE = "document of an old kind"


_SUFFIXES = {".sig": Nature.SIGNATURE, ".att": Nature.ATTESTATION, ".sbom": Nature.SBOM}
_KINDS = {
    "application/vnd.oci.image.config.": Nature.IMAGE,
    "application/vnd.docker.container.image.": Nature.IMAGE,
    "application/vnd.oci.image.manifest.": Nature.IMAGE,
    "application/vnd.docker.distribution.manifest.": Nature.IMAGE,
    ATTESTATION_TYPE: Nature.ATTESTATION,
    "application/vnd.in-toto": Nature.ATTESTATION,
    "application/vnd.dev.sigstore.bundle": Nature.SIGNATURE,
    "application/vnd.dev.cosign.artifact.sig": Nature.SIGNATURE,
    "application/vnd.cncf.notary.signature": Nature.SIGNATURE,
    "application/vnd.dev.cosign.artifact.sbom": Nature.SBOM,
    "application/vnd.cyclonedx": Nature.SBOM,
    "application/spdx": Nature.SBOM,
    "text/spdx": Nature.SBOM,
    "application/vnd.buildkit.cacheconfig": Nature.CACHE,
}
"""The kind for each artifact type, by its prefix."""


def nature_of(version: Version, listed: Descriptor | None = None) -> Nature:
    """Classify a version; `listed` is its entry in an index that lists it.

    A version whose manifest was not read is a platform image. Only attestations and signatures can
    be unread as well, and these are recognised by their index entry and by their tag.

    Source: cosign, SIGNATURE_SPEC.md; BuildKit, docs/attestations/attestation-storage.md;
        OCI distribution-spec v1.1, "Referrers tag schema".
    """
    # The tag comes first: cosign writes signatures as ordinary images.
    tag = next((tag for tag in version.tags if tag.subject), None)
    if tag:
        natures = (nature for end, nature in _SUFFIXES.items() if tag.endswith(end))
        return next(natures, Nature.REFERRERS)
    # The index's annotation is decisive: BuildKit writes attestations as ordinary image manifests.
    if listed and listed.attestation:
        return Nature.ATTESTATION
    manifest = version.manifest
    if manifest is None:
        return Nature.PLATFORM
    if manifest.shape is DocumentKind.OPAQUE:
        return Nature.OPAQUE
    if manifest.shape is DocumentKind.INDEX:
        # An index of blobs is a cache that BuildKit exported with `image-manifest=false`.
        return Nature.CACHE if any(child.is_blob for child in manifest.children) else Nature.INDEX
    kinds = (nature for start, nature in _KINDS.items() if manifest.kind.startswith(start))
    nature = next(kinds, Nature.ARTIFACT)
    return Nature.PLATFORM if nature is Nature.IMAGE and listed else nature
