"""How the versions of a repository refer to one another, and which tools made them."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from reconciler.analysis.nature import Nature, nature_of
from reconciler.core.graph import Graph, Links
from reconciler.core.walk import closure, reversed_edges
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.manifest import ATTESTATION_TYPE, Descriptor, DocumentKind, Manifest
from reconciler.model.names import Digest, Tag

_NAMED = 3
"""Most tags that a text lists."""

_IN_TOTO = "application/vnd.in-toto"
_SIGNED = (
    "application/vnd.dev.cosign.simplesigning",
    "application/vnd.dsse.envelope",
    "application/vnd.cyclonedx",
    "application/spdx",
    "text/spdx",
    "spdx+json",
)
"""Prefixes of the layer types that cosign stores under its tags.

Source: cosign, specs/SIGNATURE_SPEC.md and pkg/types/media.go.
"""


@dataclass(frozen=True)
class ReferenceGraph:
    """The references between the versions of one repository, all of whose manifests were read.

    Shape: a version without a manifest has none in the registry.
    """

    inventory: Inventory
    observations: Observations
    graph: Graph

    @cached_property
    def tagged(self) -> Set[Digest]:
        """The versions with a tag of their own, not one that spells the digest of a subject."""
        return {d for d, version in self.versions.items() if own_tags(version)}

    @cached_property
    def in_use(self) -> Set[Digest]:
        """The tagged versions and all that they keep: all versions that are needed."""
        return closure(self.graph.keeps, self.tagged)

    @cached_property
    def listed_by(self) -> Links:
        """The indexes that list each version, those in use first."""
        lists = {digest: list(self._entries(digest)) for digest in self._indexes}
        return {
            digest: sorted(owners, key=lambda owner: (owner not in self.in_use, owner))
            for digest, owners in reversed_edges(lists).items()
        }

    @cached_property
    def lists(self) -> Set[Digest]:
        """The lists of referrers: untagged indexes that only list artifacts.

        Source: OCI distribution-spec v1.1, "Referrers tag schema".
        """
        return {
            digest
            for digest in self._indexes.keys() - self.tagged
            if all(map(self._is_referrer, self._children(digest)))
        }

    @property
    def versions(self) -> Mapping[Digest, Version]:
        """The versions by digest."""
        return self.inventory.versions

    def lister(self, digest: Digest) -> Digest | None:
        """Return an index that lists a version as part of an image, preferably one in use."""
        owners = self.listed_by.get(digest, ())
        return next((owner for owner in owners if owner not in self.lists), None)

    def entry(self, owner: Digest, digest: Digest) -> Descriptor:
        """Return the entry of an index for a version that it lists."""
        return self._entries(owner)[digest]

    def nature(self, digest: Digest) -> Nature:
        """Classify a version."""
        owner = self.lister(digest)
        return nature_of(self.versions[digest], self.entry(owner, digest) if owner else None)

    def images(self, digest: Digest) -> Sequence[Digest]:
        """Return the platform images of an image: itself, or those that it lists."""
        version = self.versions[digest]
        if version.manifest is None or is_attestation(version.manifest):
            return []
        if is_index(version):
            entries = self._entries(digest).values()
            return [entry.digest for entry in entries if not entry.attestation]
        return [digest] if version.manifest.config else []

    def subjects(self, version: Version) -> Iterator[Digest]:
        """Yield the subjects of a version, from its manifest and its tags."""
        subject = version.manifest.subject if version.manifest else None
        tags = (tag.subject for tag in version.tags)
        yield from filter(None, chain([subject], tags))

    def name(self, digest: Digest) -> str:
        """Name a version by its own tags, else by the start of its digest."""
        tags = own_tags(self.versions[digest])
        return spelled(tags) if tags else digest.short

    @cached_property
    def _indexes(self) -> Mapping[Digest, Mapping[Digest, Descriptor]]:
        """Each index, with its entries for children that the repository has."""
        return {
            digest: {c.digest: c for c in children if c.digest in self.versions}
            for digest in self.versions
            if (children := self._children(digest))
        }

    def _children(self, digest: Digest) -> Sequence[Descriptor]:
        manifest = self.versions[digest].manifest
        return manifest.children if manifest else ()

    def _is_referrer(self, child: Descriptor) -> bool:
        """Whether an entry is an artifact, by its type or subject, and not a part of an image."""
        version = self.versions.get(child.digest)
        subject = version.manifest.subject if version and version.manifest else None
        return bool(child.artifact_type or subject) and not (child.platform or child.attestation)

    def _entries(self, digest: Digest) -> Mapping[Digest, Descriptor]:
        return self._indexes.get(digest, {})


def own_tags(version: Version) -> Sequence[Tag]:
    """Return the tags of a version that do not spell the digest of a subject."""
    return [tag for tag in version.tags if tag.subject is None]


def spelled(tags: Sequence[str]) -> str:
    """List the first few tags, and count the others."""
    more = len(tags) - _NAMED
    return ", ".join(tags[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def is_attestation(manifest: Manifest) -> bool:
    """Whether it is provenance or an SBOM of BuildKit, to which only an index refers.

    Source: BuildKit, docs/attestations/attestation-storage.md.
    """
    # Older releases of BuildKit write no artifact type: there, the layers show what it is.
    statements = [layer.media_type.startswith(_IN_TOTO) for layer in manifest.layers]
    return manifest.artifact_type == ATTESTATION_TYPE or (
        manifest.subject is None and bool(statements) and all(statements)
    )


def is_cache(version: Version) -> bool:
    """Whether it is a build cache, in either of its formats."""
    return version.manifest is not None and nature_of(version) is Nature.CACHE


def is_tagged_signature(manifest: Manifest) -> bool:
    """Whether it is a cosign signature found by its tag: signed statements, no subject."""
    signed = [layer.media_type.startswith(_SIGNED) for layer in manifest.layers]
    return manifest.subject is None and bool(signed) and all(signed)


def is_index(version: Version) -> bool:
    """Whether it is an index of manifests, not a build cache."""
    manifest = version.manifest
    return manifest is not None and manifest.shape is DocumentKind.INDEX and not is_cache(version)
