"""What keeps what: children, referrers, signatures, and the roots that rules may judge."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from reconciler.core.walk import closure, finish_order, reversed_edges
from reconciler.model.inventory import Inventory, Version
from reconciler.model.manifest import ATTESTATION_TYPE, DocumentKind
from reconciler.model.names import Digest, Tag

Links = Mapping[Digest, Sequence[Digest]]


@dataclass(frozen=True, slots=True)
class Graph:
    """One repository's versions and the links between them.

    Shape: an edge of `keeps` leads from a version to each one that stays while it stays;
        `kept_by` is the same turned round. `roots` are in digest order, `missing` maps an index
        to the manifests it lists and the registry lacks.
    """

    keeps: Links
    kept_by: Links
    roots: tuple[Digest, ...]
    missing: Links


def build_graph(inventory: Inventory) -> Graph:
    """Link the versions of a repository.

    An index keeps what it lists, whatever it says that this is. A subject keeps its referrers and
    what a tag binds to it, save for an attestation that an index lists beside its subject: that
    one belongs to the index alone, or every rebuild of an unchanged platform image would leave
    one more behind. Whether it is one, its own document says, and no index.

    Source: OCI image-spec v1.1, image-index.md and manifest.md; BuildKit,
        docs/attestations/attestation-storage.md; cosign, SIGNATURE_SPEC.md.
    """
    keeps: dict[Digest, list[Digest]] = defaultdict(list)
    missing: dict[Digest, list[Digest]] = defaultdict(list)
    attestations = frozenset(_listed_attestations(inventory))
    for version in inventory.versions.values():
        children = version.manifest.children if version.manifest else ()
        for child in {child.digest: child for child in children}.values():
            if child.digest in inventory.versions:
                keeps[version.digest].append(child.digest)
            elif child.is_manifest:
                missing[version.digest].append(child.digest)
        for subject in _subjects(version, attestations):
            if subject in inventory.versions and subject != version.digest:
                keeps[subject].append(version.digest)
    kept_by = reversed_edges(keeps)
    roots = _roots(inventory, keeps, kept_by)
    return Graph(dict(keeps), kept_by, roots, dict(missing))


def image_tags(inventory: Inventory, version: Version) -> tuple[Tag, ...]:
    """Return the tags that name an image: none where every one speaks of another version here.

    If one says anything else, all count: a tag that no rule knows protects what carries it.
    """
    return (
        ()
        if all(_refers_elsewhere(inventory, version, tag) for tag in version.tags)
        else version.tags
    )


def _refers_elsewhere(inventory: Inventory, version: Version, tag: Tag) -> bool:
    """Whether a tag of this version speaks of another one that is here."""
    subject = tag.subject
    return subject in inventory.versions and subject != version.digest


def _listed_attestations(inventory: Inventory) -> Iterator[Digest]:
    """Yield the attestations that an index lists beside their subjects."""
    for version in inventory.versions.values():
        listed = {child.digest for child in version.manifest.children} if version.manifest else ()
        for digest in listed:
            child = inventory.versions.get(digest)
            if child and child.kind == ATTESTATION_TYPE and _subject(child) in listed:
                yield digest


def _subject(version: Version) -> Digest | None:
    return version.manifest.subject if version.manifest else None


def _subjects(version: Version, attestations: frozenset[Digest]) -> Iterator[Digest]:
    """Yield the digests that keep this version because it speaks of them."""
    subject = _subject(version)
    if subject and version.digest not in attestations:
        yield subject
    for tag in version.tags:
        if tag.subject:
            yield tag.subject


def _roots(inventory: Inventory, keeps: Links, kept_by: Links) -> tuple[Digest, ...]:
    """Return tagged versions, those nothing keeps, and one of each island.

    A referrer whose subject is here is no root, tagged or not: it goes with its subject.

    An island is a circle of versions that only keep one another: an untagged index listing its
    own subject would otherwise be nobody's to judge, and its deletion nobody's decision.
    """
    roots = {
        digest
        for digest, version in inventory.versions.items()
        if digest not in kept_by
        or (image_tags(inventory, version) and not _is_referrer(inventory, version))
    }
    unreached = inventory.versions.keys() - closure(keeps, roots)
    return tuple(sorted(roots | set(_island_roots(inventory, unreached, keeps))))


def _is_referrer(inventory: Inventory, version: Version) -> bool:
    """Whether its document says that it belongs to another version that is here."""
    subject = _subject(version)
    return subject in inventory.versions and subject != version.digest


def _island_roots(inventory: Inventory, unreached: Set[Digest], keeps: Links) -> Iterator[Digest]:
    """Yield one version of each island from which the rest is reached.

    Chosen is one with a tag of its own, so that rules see the tag, then an index.
    """

    def tagged_and_indexes_first(digest: Digest) -> tuple[bool, bool, Digest]:
        version = inventory.versions[digest]
        is_index = version.manifest is not None and version.manifest.shape is DocumentKind.INDEX
        return not image_tags(inventory, version), not is_index, digest

    reached: set[Digest] = set()
    for digest in reversed(finish_order(sorted(unreached, key=tagged_and_indexes_first), keeps)):
        if digest not in reached:
            yield digest
            reached |= closure(keeps, [digest], excluding=reached)
