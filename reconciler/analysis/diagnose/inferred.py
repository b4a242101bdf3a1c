"""Causes of unreferenced versions: no tag, no parent index, no subject.

A registry does not record what referred to a version before. The cause follows from the versions
beside it, from images of the same content, from how the tagged images were built and pushed, and
from the tags that earlier runs observed; where none of these helps, the cause is unknown.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from reconciler.analysis.diagnose.causes import CauseEvidence, Confidence
from reconciler.analysis.diagnose.references import (
    TOGETHER,
    BuildPatterns,
    ReferenceGraph,
    is_attestation,
    is_index,
    spelled,
)
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest

Holders = Mapping[Hashable, Mapping[Digest, None]]
"""The images in use that have a content, in digest order."""


KEYS: Mapping[str, Callable[[Manifest], Hashable]] = {
    # The whole content: a configuration has the digests of its unpacked layers.
    "configuration": lambda manifest: manifest.config.digest if manifest.config else None,
    # The files only, without labels, dates and environment.
    "layers": lambda manifest: tuple(layer.digest for layer in manifest.layers) or None,
}
"""What two images can have in common, the stronger evidence first."""


@dataclass(frozen=True, slots=True)
class Twin:
    """An image in use with the same content, and which part of it is the same."""

    digest: Digest
    same: str


class SameContent:
    """An index from content to the images in use that have it."""

    def __init__(self, references: ReferenceGraph) -> None:
        """Index the content of all images in use."""
        self._references = references
        self._holders = {same: self._stock(same) for same in KEYS}

    def of(self, digest: Digest) -> Twin | None:
        """Return an image in use that has all content of this one; None if there is none."""
        for same, holders in self._holders.items():
            keys = [self._key(image, same) for image in self._references.images(digest)]
            matches = [holders.get(key, {}) for key in keys]
            fewest = min(matches, key=len, default={})
            # The first image that has one content mostly has all, so no intersection is computed.
            alike = (image for image in fewest if all(image in images for images in matches))
            if twin := next((image for image in alike if image != digest), None):
                return Twin(twin, same)
        return None

    def _stock(self, same: str) -> Holders:
        holders: dict[Hashable, dict[Digest, None]] = defaultdict(dict)
        for root in sorted(self._references.in_use & set(self._references.graph.roots)):
            for image in self._references.images(root):
                holders[self._key(image, same)][root] = None
        # None is the key of manifests without a known content, which are not alike.
        holders.pop(None, None)
        return dict(holders)

    def _key(self, image: Digest, same: str) -> Hashable:
        version = self._references.versions.get(image)
        manifest = version.manifest if version else None
        # All artifacts share the empty configuration, which says nothing about their content.
        if manifest is None or manifest.config is None or not manifest.config.is_image_config:
            return None
        return KEYS[same](manifest)


@dataclass(frozen=True)
class Unreferenced:
    """Evidence about versions that no tag, index or subject refers to."""

    references: ReferenceGraph

    def merged(self, version: Version) -> CauseEvidence | None:
        """Show a larger index that lists all manifests of this one."""
        listed = _children(version)
        if not is_index(version) or not listed:
            return None
        owners = (frozenset(self.references.listed_by.get(child, ())) for child in listed)
        shared = frozenset.intersection(*owners)
        versions = self.references.versions
        larger = [
            owner for owner in sorted(shared) if len(_children(versions[owner])) > len(listed)
        ]
        if not larger:
            return None
        return CauseEvidence(
            f"{self.references.name(larger[0])} lists all its manifests, and more", larger[0]
        )

    def identical(self, version: Version) -> CauseEvidence | None:
        """Show an image in use with the same content."""
        twin = self._twins.of(version.digest)
        if twin is None:
            return None
        return CauseEvidence(
            f"the same {twin.same} as {self.references.name(twin.digest)}", twin.digest
        )

    def orphan_child(self, version: Version) -> CauseEvidence | None:
        """Show that an index must have existed: an attestation, or the platforms of one push."""
        # BuildKit pushes attestations only together with an index that lists them.
        if version.manifest and is_attestation(version.manifest):
            return CauseEvidence("an attestation, which only an index lists, but no index does")
        if version.digest not in self._stray_digests or self._had_tags(version):
            return None
        if _within(self._attested_at, version.pushed):
            return CauseEvidence("pushed together with attestations, which only an index lists")
        count = _within(self._stray_at, version.pushed)
        # Images that are always pushed separately look the same with and without an index.
        if self._patterns.pushes_separately or count < max(self._patterns.platforms(version), 1):
            return None
        beside = (
            f"together with {count - 1} more, as many as an index lists" if count > 1 else "alone"
        )
        return CauseEvidence(f"pushed {beside}", confidence=Confidence.LIKELY)

    def unmerged(self, version: Version) -> CauseEvidence | None:
        """Show an image of fewer platforms than all tagged images have."""
        if self._had_tags(version) or version.pushed is None:
            return None
        if version.digest in self._stray_digests:
            text = "the image of one platform, built like those in indexes, but no index lists it"
            return CauseEvidence(text, confidence=Confidence.LIKELY)
        images = self.references.images(version.digest)
        if is_index(version) and len(images) < self._patterns.platforms(version):
            text = "an index of fewer platforms than any tagged index"
            return CauseEvidence(text, confidence=Confidence.LIKELY)
        return None

    def moved(self, version: Version) -> CauseEvidence | None:
        """Show which tags it had, or that similar versions have tags."""
        if tags := self._had_tags(version):
            return CauseEvidence(f"had {spelled(tags)} when a run last observed it with a tag")
        if version.digest in self._stray_digests or not self._patterns.is_usual(version):
            return None
        moving = self._patterns.moving
        text = f"later pushes have {spelled(moving)}" if moving else "similar versions have tags"
        return CauseEvidence(text, confidence=Confidence.LIKELY)

    def unknown(self, version: Version) -> CauseEvidence:
        """Say that there is no evidence of a cause."""
        text = (
            f"nothing refers to it, and no tagged version is similar: {version.kind or 'no type'}"
        )
        return CauseEvidence(text, confidence=Confidence.UNKNOWN)

    def _had_tags(self, version: Version) -> Sequence[str]:
        observation = self.references.observations.digests.get(version.digest)
        return [tag for tag in observation.tags if tag.subject is None] if observation else []

    @cached_property
    def _patterns(self) -> BuildPatterns:
        return BuildPatterns(self.references)

    @cached_property
    def _twins(self) -> SameContent:
        return SameContent(self.references)

    @cached_property
    def _stray_digests(self) -> frozenset[Digest]:
        return frozenset(version.digest for version in self._patterns.strays)

    @cached_property
    def _stray_at(self) -> Sequence[datetime]:
        return _times(self._patterns.strays)

    @cached_property
    def _attested_at(self) -> Sequence[datetime]:
        """The push times of attestations that no index lists."""
        references = self.references
        return _times(
            version
            for digest, version in references.versions.items()
            if digest not in references.listed_by
            and version.manifest
            and is_attestation(version.manifest)
        )


def _children(version: Version) -> Sequence[Digest]:
    return [child.digest for child in version.manifest.children] if version.manifest else []


def _times(versions: Iterable[Version]) -> Sequence[datetime]:
    return sorted(version.pushed for version in versions if version.pushed)


def _within(times: Sequence[datetime], moment: datetime | None) -> int:
    """Count the times that are close enough to a given time to be from one push."""
    if moment is None:
        return 0
    return bisect_right(times, moment + TOGETHER) - bisect_left(times, moment - TOGETHER)
