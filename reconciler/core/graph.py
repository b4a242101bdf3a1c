"""Link the versions of a repository: children, referrers, signatures, and the roots.

A root is an image that rules judge. Its followers, that is, what it lists and what refers to it,
are kept while it is kept, and deleted with it. Also choose the documents that must be read to know
these links.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from reconciler.core.walk import closure, finish_order, reversed_edges
from reconciler.model.inventory import Inventory, Version
from reconciler.model.manifest import ATTESTATION_TYPE, DocumentKind, Manifest
from reconciler.model.names import Digest, Tag

Links = Mapping[Digest, Sequence[Digest]]


@dataclass(frozen=True, slots=True)
class Graph:
    """One repository's versions and the links between them.

    Shape: an edge of `keeps` leads from a version to each one that is kept while it is kept;
        `kept_by` has the same edges reversed. `roots` are in digest order; `missing` maps an index
        to the manifests that it lists and the registry does not have.
    """

    keeps: Links
    kept_by: Links
    roots: tuple[Digest, ...]
    missing: Links


def build_graph(inventory: Inventory) -> Graph:
    """Link the versions of a repository.

    An index keeps what it lists, whatever media type it gives. A subject keeps its referrers and
    the versions whose tag contains its digest. One exception: an attestation that an index lists
    beside its subject is kept by the index alone, because otherwise every rebuild of an unchanged
    platform image would leave one more attestation. Whether a version is an attestation is read
    from its own document, never from an index.

    Source: OCI image-spec v1.1, image-index.md and manifest.md; BuildKit,
        docs/attestations/attestation-storage.md; cosign, SIGNATURE_SPEC.md.
    """
    keeps: dict[Digest, list[Digest]] = defaultdict(list)
    missing: dict[Digest, list[Digest]] = {}
    # Most versions are platform images whose documents need not be read: they link nothing.
    versions = inventory.versions
    linking = [version for version in versions.values() if version.manifest or version.tags]
    attestations = frozenset(_listed_attestations(linking))
    for version in linking:
        if version.manifest and version.manifest.children:
            children = {child.digest: child for child in version.manifest.children}
            if present := [digest for digest in children if digest in versions]:
                keeps[version.digest] += present
            # A missing layer of a build cache is not a hole: indexes of caches list blobs too.
            if len(present) < len(children):
                absent = [child for child in children.values() if child.digest not in versions]
                if holes := [child.digest for child in absent if child.is_manifest]:
                    missing[version.digest] = holes
        # A listed attestation is kept by its index and not by its subject.
        subject = None if version.digest in attestations else _subject(version)
        # A referrer whose subject does not exist is kept by nothing: it is an image of its own.
        # A tag can contain the digest of its own version, which must not keep itself for ever.
        for keeper in (subject, *[tag.subject for tag in version.tags]):
            if keeper and _is_other(inventory, version, keeper):
                keeps[keeper].append(version.digest)
    kept_by = reversed_edges(keeps)
    roots = _roots(inventory, linking, keeps, kept_by)
    return Graph(dict(keeps), kept_by, roots, missing)


def image_tags(inventory: Inventory, version: Version) -> tuple[Tag, ...]:
    """Return the tags that name an image: none if each contains the digest of another version.

    If any tag does not, all of them count: a tag that no rule matches protects its image.
    """
    for tag in version.tags:
        subject = tag.subject
        if subject is None or not _is_other(inventory, version, subject):
            return version.tags
    return ()


def _is_other(inventory: Inventory, version: Version, subject: Digest) -> bool:
    """Whether a subject is another version of the repository."""
    return subject in inventory.versions and subject != version.digest


def _listed_attestations(versions: Sequence[Version]) -> Iterator[Digest]:
    """Yield the attestations that an index lists beside their subjects."""
    # The type is read from the version's own document: the index might name any type.
    subjects = {
        version.digest: subject
        for version in versions
        if (subject := _subject(version)) and version.kind == ATTESTATION_TYPE
    }
    for version in versions if subjects else ():
        if version.manifest and version.manifest.children:
            listed = {child.digest for child in version.manifest.children}
            yield from (digest for digest in listed & subjects.keys() if subjects[digest] in listed)


def _subject(version: Version) -> Digest | None:
    return version.manifest.subject if version.manifest else None


def _roots(
    inventory: Inventory, linking: Sequence[Version], keeps: Links, kept_by: Links
) -> tuple[Digest, ...]:
    """Return the tagged versions, those that nothing keeps, and one of each island.

    A referrer whose subject exists is no root, tagged or not: it is deleted with its subject.

    An island is a cycle of versions that only keep each other, such as an untagged index that
    lists its own subject. Without a root, no rule would ever decide about it. Its root is a version
    from which all the others are reached: one with a tag of its own is preferred, so that rules can
    match the tag; then an index.
    """

    def tagged_and_indexes_first(digest: Digest) -> tuple[bool, bool, Digest]:
        version = inventory.versions[digest]
        is_index = version.manifest is not None and version.manifest.shape is DocumentKind.INDEX
        return not image_tags(inventory, version), not is_index, digest

    roots = {digest for digest in inventory.versions if digest not in kept_by}
    for version in linking:
        if version.tags and version.digest in kept_by and image_tags(inventory, version):
            subject = _subject(version)
            if subject is None or not _is_other(inventory, version, subject):
                roots.add(version.digest)
    # Most versions are kept by a root directly: only the others have to be searched for.
    deeper = {
        digest
        for source, targets in keeps.items()
        if source not in roots
        for digest in targets
        if digest not in roots and roots.isdisjoint(kept_by[digest])
    }
    entries = [digest for digest in deeper if not deeper.issuperset(kept_by[digest])]
    below = closure(keeps, entries)
    unreached = deeper - below
    reached: set[Digest] = set()
    # The version of an island that finishes last is the one whose search reached all the others.
    for digest in reversed(finish_order(sorted(unreached, key=tagged_and_indexes_first), keeps)):
        if digest not in reached:
            roots.add(digest)
            reached |= closure(keeps, [digest], excluding=reached)
    # The versions are in digest order already.
    return tuple([digest for digest in inventory.versions if digest in roots])


def documents_to_read(
    present: Collection[Digest], tagged: Set[Digest], documents: Mapping[Digest, Manifest]
) -> set[Digest]:
    """Return the versions whose documents a plan depends on, given the documents read so far.

    These are all tagged versions, all that no index lists, and each that an index lists as
    anything but a plain platform image. Not read is a version that every index lists as a plain
    platform image. Only an index that must be read itself counts, so that the result depends on
    the documents alone and not on what was read first.

    Documents cannot list each other in a cycle, because a digest is the hash of the document. Each
    version is visited after all that may list it.
    Source: docs/adr/0011-nothing-is-deleted-unread.md.
    """
    listing = {
        digest: [child.digest for child in document.children if child.digest in present]
        for digest, document in documents.items()
    }
    wanted: set[Digest] = set()
    plain: set[Digest] = set()
    doubtful: set[Digest] = set()
    for digest in reversed(finish_order(sorted(present), listing)):
        if digest in tagged or digest in doubtful or digest not in plain:
            wanted.add(digest)
            document = documents.get(digest)
            for child in document.children if document else ():
                (plain if child.is_plain_image else doubtful).add(child.digest)
    return wanted
