"""How the versions of a repository refer to one another, and what documents say of builders."""

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
"""How many tags stand for all in a sentence."""

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


@dataclass(frozen=True)
class ReferenceGraph:
    """One repository: its versions, all of whose manifests were read, and what joins them.

    Shape: a version without a manifest has none in the registry either.
    """

    inventory: Inventory
    observations: Observations
    graph: Graph

    @cached_property
    def tagged(self) -> Set[Digest]:
        """The versions with a tag that names an image, and not what another version is about."""
        return {d for d, version in self.versions.items() if own_tags(version)}

    @cached_property
    def in_use(self) -> Set[Digest]:
        """Everything that a tag leads to, and what belongs to that: all that is needed."""
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
        """The indexes that only say what refers to another version: all they list are artifacts.

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
        """Return an index that lists a version as part of an image, one in use for choice."""
        owners = self.listed_by.get(digest, ())
        return next((owner for owner in owners if owner not in self.lists), None)

    def entry(self, owner: Digest, digest: Digest) -> Descriptor:
        """Return how an index describes a version that it lists."""
        return self._entries(owner)[digest]

    def nature(self, digest: Digest) -> Nature:
        """Tell what a version is."""
        owner = self.lister(digest)
        return nature_of(self.versions[digest], self.entry(owner, digest) if owner else None)

    def images(self, digest: Digest) -> Sequence[Digest]:
        """Return the platform images that an image consists of: itself, or what it lists."""
        version = self.versions[digest]
        if version.manifest is None or is_attestation(version.manifest):
            return []
        if is_index(version):
            entries = self._entries(digest).values()
            return [entry.digest for entry in entries if not entry.attestation]
        return [digest] if version.manifest.config else []

    def subjects(self, version: Version) -> Iterator[Digest]:
        """Yield what a version speaks of, by its document or by its tags."""
        subject = version.manifest.subject if version.manifest else None
        tags = (tag.subject for tag in version.tags)
        yield from filter(None, chain([subject], tags))

    def name(self, digest: Digest) -> str:
        """Name a version for people: by its own tags, else by the start of its digest."""
        tags = own_tags(self.versions[digest])
        return spelled(tags) if tags else digest.short

    @cached_property
    def _indexes(self) -> Mapping[Digest, Mapping[Digest, Descriptor]]:
        """Each index, and how it describes those of its children that are here."""
        return {
            digest: {c.digest: c for c in children if c.digest in self.versions}
            for digest in self.versions
            if (children := self._children(digest))
        }

    def _children(self, digest: Digest) -> Sequence[Descriptor]:
        manifest = self.versions[digest].manifest
        return manifest.children if manifest else ()

    def _is_referrer(self, child: Descriptor) -> bool:
        """Whether an entry is an artifact by its type, or by a subject, and no part of an image."""
        version = self.versions.get(child.digest)
        subject = version.manifest.subject if version and version.manifest else None
        return bool(child.artifact_type or subject) and not (child.platform or child.attestation)

    def _entries(self, digest: Digest) -> Mapping[Digest, Descriptor]:
        return self._indexes.get(digest, {})


def own_tags(version: Version) -> Sequence[Tag]:
    """Return the tags that name a version, and not what it is about."""
    return [tag for tag in version.tags if tag.subject is None]


def spelled(tags: Sequence[str]) -> str:
    """Write the first few of some tags."""
    more = len(tags) - _NAMED
    return ", ".join(tags[:_NAMED]) + (f" and {more} more" if more > 0 else "")


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
