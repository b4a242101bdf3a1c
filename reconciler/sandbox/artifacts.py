"""Documents as build and signing tools push them: images, indexes, attestations, signatures."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from reconciler.sandbox.package import Content, document, sha256

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
ATTESTATION_TYPE = "application/vnd.docker.attestation.manifest.v1+json"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"

_IMAGE_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_IN_TOTO = "application/vnd.in-toto+json"
_SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
_CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"
Weigh = Callable[[str], int]
"""Returns the size in bytes to state for a layer of this name; 0 for its true size."""

EMPTY = Content("application/vnd.oci.empty.v1+json", b"{}")


def image(
    seed: str,
    platform: str = "linux/amd64",
    *,
    layers: int = 2,
    base: str = "base",
    labels: Mapping[str, str] | None = None,
    weigh: Weigh | None = None,
    **members: Any,
) -> Content:
    """Write one platform's image; equal arguments give equal bytes.

    The first layer represents the base image and is the same in all images of a platform with
    this `base`. `labels` are part of the configuration only.
    """
    names = (f"{base} {platform}", *(f"{seed} {platform} {n}" for n in range(1, layers)))
    blobs = tuple(_layer(name, weigh) for name in names)
    return _manifest(_config(platform, blobs, labels or {}), blobs, **members)


def index(
    images: Mapping[str, Content], attestations: Iterable[Content] = (), **members: Any
) -> Content:
    """Write an index over images by platform, then BuildKit's attestations in the same order."""
    platforms = [
        child.descriptor(platform=_platform(platform)) for platform, child in images.items()
    ]
    # BuildKit lists an attestation as an image of an unknown platform, with its subject in an
    # annotation. Source: BuildKit, docs/attestations/attestation-storage.md.
    statements = [
        statement.descriptor(
            annotations={
                "vnd.docker.reference.digest": subject.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            platform=_platform("unknown/unknown"),
        )
        for statement, subject in zip(attestations, images.values(), strict=False)
    ]
    return document(OCI_INDEX, {"manifests": platforms + statements, **members})


def plain_index(children: Sequence[Content], **members: Any) -> Content:
    """Write an index with the bare descriptors of its children, without platforms."""
    return document(OCI_INDEX, {"manifests": [child.descriptor() for child in children], **members})


def attestation(subject: Content, run: str, *, artifact: bool) -> Content:
    """Write BuildKit's provenance for one platform image.

    `artifact` is the form BuildKit writes from 0.32 on: with an artifact type and a subject.
    Source: BuildKit, docs/attestations/attestation-storage.md.
    """
    statement = Content(_IN_TOTO, f"provenance of {subject.digest} by {run}".encode())
    annotations = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"}
    layers = [statement.descriptor(annotations=annotations)]
    if not artifact:
        config = _config("unknown/unknown")
        members = {"config": config.descriptor(), "layers": layers}
        return document(OCI_MANIFEST, members, config, statement)
    members = {
        "artifactType": ATTESTATION_TYPE,
        "config": EMPTY.descriptor(),
        "layers": layers,
        "subject": subject.descriptor(),
    }
    return document(OCI_MANIFEST, members, EMPTY, statement)


def cosign_signature(subject: Content, run: str) -> Content:
    """Write a classic cosign signature, whose only link to its subject is the tag it gets."""
    payload = Content(_SIMPLE_SIGNING, f"signature of {subject.digest} by {run}".encode())
    return _manifest(_config("unknown/unknown"), (payload,))


def bundle(subject: Content, run: str) -> Content:
    """Write a Sigstore bundle the way GitHub's attest action pushes it.

    Source: actions/attest, `push-to-registry`.
    """
    statement = Content(BUNDLE_TYPE, f"bundle for {subject.digest} by {run}".encode())
    members = {
        "artifactType": BUNDLE_TYPE,
        "config": EMPTY.descriptor(),
        "layers": [statement.descriptor()],
        "subject": subject.descriptor(),
        "annotations": {"dev.sigstore.bundle.content": "dsse-envelope"},
    }
    return document(OCI_MANIFEST, members, EMPTY, statement)


def build_cache(run: str, weigh: Weigh | None = None) -> Content:
    """Write a BuildKit registry cache in its image form."""
    config = Content(_CACHE_CONFIG, f"cache of {run}".encode())
    return _manifest(config, (_layer(f"cached layer of {run}", weigh),))


def build_cache_index(run: str, weigh: Weigh | None = None) -> Content:
    """Write a BuildKit registry cache in its older form: an index that lists layer blobs."""
    config = Content(_CACHE_CONFIG, f"cache of {run}".encode())
    layer = _layer(f"cached layer of {run}", weigh)
    blobs = (layer, config)
    return document(OCI_INDEX, {"manifests": [blob.descriptor() for blob in blobs]}, *blobs)


def referrers_tag(digest: str) -> str:
    """Spell the tag under which clients keep the referrers of a digest.

    Source: OCI distribution-spec v1.1, "Referrers tag schema".
    """
    return digest.replace(":", "-")


def _layer(name: str, weigh: Weigh | None) -> Content:
    return Content(_LAYER, name.encode(), stated=weigh(name) if weigh else 0)


def _manifest(config: Content, layers: Sequence[Content], **members: Any) -> Content:
    described = [layer.descriptor() for layer in layers]
    parts = {"config": config.descriptor(), "layers": described, **members}
    return document(OCI_MANIFEST, parts, config, *layers)


def _config(
    platform: str, layers: Sequence[Content] = (), labels: Mapping[str, str] | None = None
) -> Content:
    """Write an image's configuration, which lists the digests of its unpacked layers."""
    labelled = {"config": {"Labels": labels}} if labels else {}
    unpacked = [sha256(b"unpacked " + layer.body) for layer in layers]
    rootfs = {"rootfs": {"type": "layers", "diff_ids": unpacked}}
    return Content(_IMAGE_CONFIG, json.dumps(_platform(platform) | labelled | rootfs).encode())


def _platform(text: str) -> dict[str, str]:
    """Read `os/architecture[/variant]`, in the order in which Go writes its members."""
    system, architecture, *variant = text.split("/")
    parts = (architecture, system, *variant)
    return dict(zip(("architecture", "os", "variant"), parts, strict=False))
