"""How the builds of a repository push images, as its tagged images show."""

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from itertools import pairwise

from reconciler.analysis.diagnose.anatomy import (
    ReferenceGraph,
    is_attestation,
    is_cache,
    is_index,
    own_tags,
)
from reconciler.analysis.nature import Nature
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Tag

TOGETHER = timedelta(seconds=30)
"""Longest time between the manifests of one push. Jobs of a matrix are rarely that close."""

_GIVEN_ONCE = re.compile(r"[0-9a-f]{7}|\d+\.\d+\.\d+|\d{4}-?\d\d-?\d\d")
"""A commit, a full version number, a date. Source: docker/metadata-action, "Tags input"."""

_CONTAINERS = (Nature.IMAGE, Nature.INDEX, Nature.PLATFORM, Nature.OPAQUE)


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
