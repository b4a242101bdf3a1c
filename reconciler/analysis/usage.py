"""Storage used by repositories: each blob counted once, and the bytes each version adds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from heapq import nlargest

from reconciler.analysis.integrity import blobs_of
from reconciler.core.graph import Graph, build_graph, image_tags
from reconciler.core.select import family
from reconciler.core.walk import closure
from reconciler.model.inventory import Inventory, Version
from reconciler.model.manifest import DocumentKind
from reconciler.model.names import Digest, Repository, Tag

BIGGEST = 10
"""How many of a repository's largest images are listed."""

UNTAGGED = "(no tag)"
"""The family of images without a tag of their own."""

_FIRST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class BlobIndex:
    """The blobs of one repository, and the versions that refer to them."""

    inventory: Inventory

    @cached_property
    def graph(self) -> Graph:
        """Which versions keep which others."""
        return build_graph(self.inventory)

    @cached_property
    def blobs_by_version(self) -> Mapping[Digest, frozenset[Digest]]:
        """The blobs of each version: its own manifest, and all that the manifest refers to."""
        return {
            digest: frozenset(blob for blob, _ in blobs(version))
            for digest, version in self.inventory.versions.items()
        }

    @cached_property
    def sizes(self) -> Mapping[Digest, int]:
        """Each blob and its size in bytes; where two manifests differ, the larger counts."""
        sizes: dict[Digest, int] = {}
        # Publishers claim sizes. With the largest, the result does not depend on the order.
        for version in self.inventory.versions.values():
            for blob, size in blobs(version):
                sizes[blob] = max(size, sizes.get(blob, 0))
        return sizes

    @cached_property
    def referring_versions(self) -> Mapping[Digest, int]:
        """How many versions refer to each blob."""
        return Counter(blob for named in self.blobs_by_version.values() for blob in named)

    def total_size(self, wanted: Iterable[Digest]) -> int:
        """Add up the sizes of blobs, each of which is given once."""
        return sum(self.sizes[blob] for blob in wanted)

    def with_kept(self, roots: Iterable[Digest]) -> set[Digest]:
        """Return versions and all others that they keep."""
        return closure(self.graph.keeps, roots)


def blobs(version: Version) -> Iterator[tuple[Digest, int]]:
    """Yield the blobs of a version with their sizes: manifest, configuration, layers."""
    manifest = version.manifest
    if manifest:
        yield version.digest, manifest.size
    yield from ((blob.digest, blob.size) for _, blob in blobs_of(manifest) if not blob.foreign)


@dataclass(frozen=True, slots=True)
class GroupUsage:
    """The storage that a group of versions uses.

    Units: `octets` in bytes of their blobs, each once; `alone` in bytes of the blobs that no other
        version refers to, which deleting the group would free.
    """

    name: str
    versions: int
    octets: int
    alone: int


@dataclass(frozen=True, slots=True)
class ImageUsage:
    """One image with all that it keeps. Units: as in GroupUsage."""

    digest: Digest
    tags: tuple[Tag, ...]
    octets: int
    alone: int


@dataclass(frozen=True, slots=True)
class Usage:
    """The storage that one repository uses.

    Shape: `causes` is empty without a diagnosis, `freed` is None without a plan.
    Units: `octets` in bytes, each blob once; `stated` in bytes, each blob once per reference;
        `shared` in bytes of the blobs that several versions refer to, each once.
    """

    repository: Repository
    versions: int
    octets: int
    stated: int
    shared: int
    families: tuple[GroupUsage, ...]
    biggest: tuple[ImageUsage, ...]
    causes: tuple[GroupUsage, ...] = ()
    freed: GroupUsage | None = None
    foreign: int = 0
    """Non-distributable layers, which are stored elsewhere and not counted."""

    unmeasured: int = 0
    """Versions without a manifest, or with an old kind of manifest without sizes."""


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """The storage that several repositories use.

    Units: `between` in bytes of the blobs that several of them refer to, each once. A registry does
        not report whether it stores such a blob once or per repository.
    """

    repositories: tuple[Usage, ...]
    between: int

    @property
    def octets(self) -> int:
        """The total in bytes; a blob of several repositories is counted in each."""
        return sum(usage.octets for usage in self.repositories)


@dataclass(frozen=True, slots=True)
class UsageInput:
    """One repository to measure, all of whose manifests were read.

    Shape: `causes` has the versions of each cause, empty without a diagnosis; `to_delete` those
        that a plan deletes, None without a plan.
    """

    inventory: Inventory
    causes: Mapping[str, Set[Digest]] = field(default_factory=dict)
    to_delete: Set[Digest] | None = None


def usage_totals(subjects: Iterable[UsageInput]) -> UsageTotals:
    """Measure repositories, and the storage that they share."""
    sizes: dict[Digest, int] = {}
    naming: Counter[Digest] = Counter()
    usages: list[Usage] = []
    for subject in subjects:
        index = BlobIndex(subject.inventory)
        usages.append(usage_of(index, subject.causes, subject.to_delete))
        # Once per repository, however often its versions refer to a blob.
        naming.update(index.sizes.keys())
        sizes |= index.sizes
    between = sum(sizes[blob] for blob, times in naming.items() if times > 1)
    return UsageTotals(tuple(usages), between)


def usage_of(
    index: BlobIndex, causes: Mapping[str, Set[Digest]], to_delete: Set[Digest] | None
) -> Usage:
    """Measure one repository; see `UsageInput`."""
    versions = index.inventory.versions
    families = {name: index.with_kept(roots) for name, roots in _families(index).items()}
    return Usage(
        repository=index.inventory.repository,
        versions=len(versions),
        octets=index.total_size(index.sizes),
        stated=sum(map(index.total_size, index.blobs_by_version.values())),
        shared=index.total_size(
            blob for blob, times in index.referring_versions.items() if times > 1
        ),
        families=shares(index, families),
        biggest=_biggest(index),
        causes=shares(index, causes),
        freed=_share(index, "plan", to_delete & versions.keys()) if to_delete is not None else None,
        foreign=len(
            {
                blob.digest
                for version in versions.values()
                for _, blob in blobs_of(version.manifest)
                if blob.foreign
            }
        ),
        # Manifests of schema 1 do not state the sizes of their layers.
        unmeasured=sum(
            version.manifest is None or version.manifest.shape is DocumentKind.OPAQUE
            for version in versions.values()
        ),
    )


def shares(index: BlobIndex, groups: Mapping[str, Set[Digest]]) -> tuple[GroupUsage, ...]:
    """Measure groups of versions, the largest first; a version may be in several groups."""
    groups_used = (_share(index, name, versions) for name, versions in groups.items())
    return tuple(sorted(groups_used, key=lambda share: (-share.octets, share.name)))


def _share(index: BlobIndex, name: str, versions: Set[Digest]) -> GroupUsage:
    inside = Counter(blob for digest in versions for blob in index.blobs_by_version[digest])
    # A blob would be freed only if every version that refers to it is in the group.
    own = (blob for blob, times in inside.items() if times == index.referring_versions[blob])
    return GroupUsage(name, len(versions), index.total_size(inside), index.total_size(own))


def _families(index: BlobIndex) -> Mapping[str, set[Digest]]:
    """Group the images by the shapes of their tags; one with several tags is in several groups."""
    families: dict[str, set[Digest]] = defaultdict(set)
    for root in index.graph.roots:
        tags = image_tags(index.inventory, index.inventory.versions[root])
        for name in {family(tag) for tag in tags} or {UNTAGGED}:
            families[name].add(root)
    return families


def _biggest(index: BlobIndex) -> tuple[ImageUsage, ...]:
    """Measure every image with all that it keeps, and return the largest."""
    # A generator: of what may be a million images, only the largest are kept in memory.
    used = ((root, _share(index, root, index.with_kept([root]))) for root in index.graph.roots)
    return tuple(
        ImageUsage(root, index.inventory.versions[root].tags, share.octets, share.alone)
        for root, share in nlargest(BIGGEST, used, key=lambda pair: (pair[1].octets, pair[0]))
    )


def added_bytes(versions: Iterable[Version]) -> Mapping[Digest, int]:
    """Count each blob once, for the oldest version that refers to it; unknown times are oldest.

    Units: bytes of manifests, configurations and layers, as the manifests state them.
    """
    counted: set[Digest] = set()
    added: dict[Digest, int] = {}
    for version in sorted(versions, key=lambda version: (version.pushed or _FIRST, version.digest)):
        fresh = {blob: size for blob, size in blobs(version) if blob not in counted}
        counted.update(fresh)
        added[version.digest] = sum(fresh.values())
    return added
