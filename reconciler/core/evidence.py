"""Which documents have to be read before anything is decided, whatever order they are read in."""

from collections.abc import Collection, Mapping, Set

from reconciler.core.walk import finish_order
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest


def documents_to_read(
    present: Collection[Digest], tagged: Set[Digest], documents: Mapping[Digest, Manifest]
) -> set[Digest]:
    """Return the versions whose documents a plan depends on, as far as is known by now.

    These are all with a tag, all that nothing lists, and each one that some index calls anything
    but a plain image: left unread is what every index that lists it calls one. What an index says
    counts only if the index has to be read itself, so that the answer follows from the documents
    alone and not from what happened to be read first.

    Documents cannot list one another in a circle, since a digest is the hash of what lists it;
    each is looked at after all that may list it.
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
