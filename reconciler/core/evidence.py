"""Choose the documents that must be read before deciding, whatever order they are read in."""

from collections.abc import Collection, Mapping, Set

from reconciler.core.walk import finish_order
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest


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
    listing = {digest: _listed(documents[digest], present) for digest in documents}
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


def _listed(document: Manifest, present: Collection[Digest]) -> list[Digest]:
    return [child.digest for child in document.children if child.digest in present]
