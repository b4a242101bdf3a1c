"""How the versions of a repository refer to one another, and how builds push them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import chain, pairwise

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

TOGETHER = timedelta(seconds=30)
"""Longest time between the manifests of one push. Jobs of a matrix are rarely that close."""

_GIVEN_ONCE = re.compile(r"[0-9a-f]{7}|\d+\.\d+\.\d+|\d{4}-?\d\d-?\d\d")
"""A commit, a full version number, a date. Source: docker/metadata-action, "Tags input"."""

_CONTAINERS = (Nature.IMAGE, Nature.INDEX, Nature.PLATFORM, Nature.OPAQUE)


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


@dataclass(frozen=True)
class BuildPatterns:
    """How images are built: for how many platforms, pushed together or not, from which bases."""

    references: ReferenceGraph

    def platforms(self, version: Version) -> int:
        """Return for how many platforms images are built; 0 where no index has a tag.

        It is the least number of images that a tagged index lists. Where there are tagged indexes
        from the same base images as this version, only these count.
        """
        bases = map(_base, self._present(self.references.images(version.digest)))
        counts = [self._fewest[base] for base in bases if base in self._fewest]
        return min(counts, default=self._least)

    @cached_property
    def pushes_separately(self) -> bool:
        """Whether the platforms of every image are pushed one by one, as by jobs of a matrix."""
        shortest: list[timedelta] = []
        for images in self._indexes:
            if len(images) > 1:
                times = sorted(image.pushed for image in self._present(images) if image.pushed)
                gaps = (later - earlier for earlier, later in pairwise(times))
                # Without push times, nothing shows that the platforms were pushed one by one.
                shortest.append(min(gaps, default=timedelta()))
        # One image whose platforms were pushed at once shows that builds can do so.
        return bool(shortest) and min(shortest) > TOGETHER

    @cached_property
    def strays(self) -> Sequence[Version]:
        """The untagged images that no index lists, although they were built for one.

        Images from the same base come from the same build. Where no tagged image has that base,
        the evidence is that all tagged images are listed by an index.
        """
        strays: list[Version] = []
        for version in self.references.versions.values():
            if not version.tags and self._is_plain(version):
                base = _base(version)
                is_for_index = base in self._fewest or (self._indexes and not self._plain_bases)
                # Where tagged images of the same base are in no index, this one needs none.
                if is_for_index and base not in self._plain_bases:
                    strays.append(version)
        return strays

    @cached_property
    def moving(self) -> Sequence[Tag]:
        """The tags that the next build is likely to move, those without digits first."""
        tagged = (self.references.versions[digest] for digest in self.references.tagged)
        tags = (tag for version in tagged if not is_cache(version) for tag in own_tags(version))
        return sorted(
            (tag for tag in tags if not _GIVEN_ONCE.search(tag)),
            key=lambda tag: (any(map(str.isdigit, tag)), tag),
        )

    def is_usual(self, version: Version) -> bool:
        """Whether a tagged version is a container image too, or of the same artifact type."""
        return self._artifact_type(version.digest) in self._usual

    @cached_property
    def _usual(self) -> Set[str]:
        return set(map(self._artifact_type, self.references.tagged))

    def _artifact_type(self, digest: Digest) -> str:
        """Return the artifact type of a version, empty for all kinds of container images."""
        is_container = self.references.nature(digest) in _CONTAINERS
        return "" if is_container else self.references.versions[digest].kind

    @cached_property
    def _indexes(self) -> Sequence[Sequence[Digest]]:
        """The images that each tagged index lists."""
        references = self.references
        indexes = [d for d in references.tagged if is_index(references.versions[d])]
        return [images for digest in indexes if (images := references.images(digest))]

    @cached_property
    def _plain_bases(self) -> Set[Digest | None]:
        """The bases of tagged images that no index lists."""
        tagged = (self.references.versions[digest] for digest in self.references.tagged)
        return {_base(version) for version in tagged if self._is_plain(version)}

    @cached_property
    def _least(self) -> int:
        return min(map(len, self._indexes), default=0)

    @cached_property
    def _fewest(self) -> Mapping[Digest | None, int]:
        """The least number of images of a tagged index, by the base of an image that it lists."""
        fewest: dict[Digest | None, int] = {}
        for images in sorted(self._indexes, key=len, reverse=True):
            fewest.update(dict.fromkeys(map(_base, self._present(images)), len(images)))
        return fewest

    def _is_plain(self, version: Version) -> bool:
        return (
            version.manifest is not None
            and not is_attestation(version.manifest)
            and self.references.nature(version.digest) is Nature.IMAGE
        )

    def _present(self, digests: Iterable[Digest]) -> Iterable[Version]:
        return (
            self.references.versions[digest]
            for digest in digests
            if digest in self.references.versions
        )


def _base(version: Version) -> Digest | None:
    """Return the first layer of an image, which its base image determines."""
    layers = version.manifest.layers if version.manifest else ()
    return layers[0].digest if layers else None
