"""What a document shows of its maker when nothing leads to it any more."""

from reconciler.core.explaining.nature import Nature, nature_of
from reconciler.model.inventory import Version
from reconciler.model.manifest import ATTESTATION_TYPE, DocumentKind, Manifest

_IN_TOTO = "application/vnd.in-toto"
_SIGNED = (
    "application/vnd.dev.cosign.simplesigning",
    "application/vnd.dsse.envelope",
    "application/vnd.cyclonedx",
    "application/spdx",
    "text/spdx",
    "spdx+json",
)
"""How the types of the layers begin that cosign keeps under its tags.

Source: cosign, specs/SIGNATURE_SPEC.md and pkg/types/media.go.
"""


def is_attestation(manifest: Manifest) -> bool:
    """Whether BuildKit wrote it as provenance or SBOM; only an index ever names such a document.

    Source: BuildKit, docs/attestations/attestation-storage.md.
    """
    statements = [layer.media_type.startswith(_IN_TOTO) for layer in manifest.layers]
    return manifest.artifact_type == ATTESTATION_TYPE or (
        manifest.subject is None and bool(statements) and all(statements)
    )


def is_cache(version: Version) -> bool:
    """Whether it is a build cache, in either form."""
    return version.manifest is not None and nature_of(version) is Nature.CACHE


def is_tagged_signature(manifest: Manifest) -> bool:
    """Whether it is of the kind that cosign finds by tag: signed statements, and no subject."""
    signed = [layer.media_type.startswith(_SIGNED) for layer in manifest.layers]
    return manifest.subject is None and bool(signed) and all(signed)


def is_index(version: Version) -> bool:
    """Whether it is an index that lists manifests, and no build cache."""
    manifest = version.manifest
    return manifest is not None and manifest.shape is DocumentKind.INDEX and not is_cache(version)
