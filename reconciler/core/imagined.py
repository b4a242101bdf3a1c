"""The repository that a test of a policy describes, as if a registry had been read."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from reconciler.model.inventory import Fact, Inventory, Version
from reconciler.model.manifest import (
    ATTESTATION_TYPE,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    DocumentKind,
    Manifest,
)
from reconciler.model.names import Digest, Repository
from reconciler.model.policytest import ExpectedImage, PolicyTest

REPOSITORY = Repository("registry.example/test")
"""What the repository of every test is called."""

_CONFIG = Descriptor(
    Digest(f"sha256:{hashlib.sha256(b'{}').hexdigest()}"),
    "application/vnd.oci.image.config.v1+json",
)


def imagined(test: PolicyTest) -> Inventory:
    """Build the inventory of a test; the id of a version is its name in the test.

    A test in which images have times, but none a push time, plays on a registry that does not
    tell when images were pushed.
    """
    digests = digests_of(test)
    named = dict(zip(test.names, test.images, strict=True))
    descriptors = {name: _descriptor(image, digests[name]) for name, image in named.items()}
    versions = [
        _version(name, image, _manifest(name, image, descriptors), test.now.moment)
        for name, image in named.items()
    ]
    known = {fact for version in versions for fact in Fact if version.time(fact)}
    lacking = {Fact.PUSHED} if known and Fact.PUSHED not in known else set()
    return Inventory.of(REPOSITORY, versions, facts=frozenset(Fact) - lacking)


def digests_of(test: PolicyTest) -> Mapping[str, Digest]:
    """Return the digest of each image by its name, made of the name where none is given."""
    return {
        name: image.digest or Digest(f"sha256:{hashlib.sha256(name.encode()).hexdigest()}")
        for name, image in zip(test.names, test.images, strict=True)
    }


def _version(name: str, image: ExpectedImage, manifest: Manifest, now: datetime) -> Version:
    return Version(
        digest=manifest.digest,
        tags=tuple(sorted(set(image.tags))),
        id=name,
        pushed=image.time(Fact.PUSHED, now),
        created=image.time(Fact.CREATED, now),
        first_seen=image.time(Fact.FIRST_SEEN, now),
        untagged_since=image.time(Fact.UNTAGGED_SINCE, now),
        tagged_since=image.time(Fact.TAGGED_SINCE, now),
        manifest=manifest,
    )


def _manifest(name: str, image: ExpectedImage, descriptors: Mapping[str, Descriptor]) -> Manifest:
    plain = not (image.children or image.artifact_type)
    return Manifest(
        digest=descriptors[name].digest,
        shape=DocumentKind.INDEX if image.children else DocumentKind.IMAGE,
        media_type=descriptors[name].media_type,
        size=0,
        artifact_type=image.artifact_type,
        config=_CONFIG if plain else None,
        children=tuple(descriptors[child] for child in image.children),
        subject=descriptors[image.subject].digest if image.subject else None,
    )


def _descriptor(image: ExpectedImage, digest: Digest) -> Descriptor:
    """Describe an image as an index that lists it would."""
    return Descriptor(
        digest,
        OCI_INDEX if image.children else OCI_MANIFEST,
        artifact_type=image.artifact_type,
        attestation=image.artifact_type == ATTESTATION_TYPE,
    )
