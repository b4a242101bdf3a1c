"""The blobs of one repository, each once, and which versions name them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from reconciler.core.graph import Graph, build_graph
from reconciler.core.walk import closure
from reconciler.core.wholeness import blobs_of
from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Digest


@dataclass(frozen=True)
class BlobIndex:
    """The blobs of one repository, and which versions name them."""

    inventory: Inventory

    @cached_property
    def graph(self) -> Graph:
        """What keeps what."""
        return build_graph(self.inventory)

    @cached_property
    def named(self) -> Mapping[Digest, frozenset[Digest]]:
        """What each version is made of: its own document and the blobs that it names."""
        return {
            digest: frozenset(blob for blob, _ in blobs(version))
            for digest, version in self.inventory.versions.items()
        }

    @cached_property
    def sizes(self) -> Mapping[Digest, int]:
        """Each blob and its size in bytes; where two manifests differ, the larger counts."""
        sizes: dict[Digest, int] = {}
        for version in self.inventory.versions.values():
            for blob, size in blobs(version):
                sizes[blob] = max(size, sizes.get(blob, 0))
        return sizes

    @cached_property
    def namers(self) -> Mapping[Digest, int]:
        """How many versions name each blob."""
        return Counter(blob for named in self.named.values() for blob in named)

    def weight(self, wanted: Iterable[Digest]) -> int:
        """Add up blobs, each of which is given once."""
        return sum(self.sizes[blob] for blob in wanted)

    def kept(self, roots: Iterable[Digest]) -> set[Digest]:
        """Return some versions and all that stays while they stay."""
        return closure(self.graph.keeps, roots)


def blobs(version: Version) -> Iterator[tuple[Digest, int]]:
    """Yield what a version is made of, with sizes in bytes: document, configuration, layers."""
    manifest = version.manifest
    if manifest:
        yield version.digest, manifest.size
    yield from ((blob.digest, blob.size) for _, blob in blobs_of(manifest) if not blob.foreign)
