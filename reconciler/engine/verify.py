"""Whether tagged images can be pulled whole: every manifest they list, asked of the registry."""

from collections.abc import Iterable, Mapping
from itertools import chain

from reconciler.core.wholeness import holes, listed
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader


def broken_images(
    reader: RegistryReader, repository: Repository
) -> tuple[int, Mapping[Version, tuple[Digest, ...]]]:
    """Ask for everything below each tag; return how many images have one, and what is missing.

    Presence is asked of the registry and never of a cache. Layers are not asked for.

    Raises: EvidenceError, when the registry cannot be read.
    """
    tagged = [version for version in reader.listing(repository).versions if version.tags]
    documents = documents_below(reader, repository, [version.digest for version in tagged])
    missing = {
        version: tuple(hole.digest for hole in holes(version.digest, documents))
        for version in tagged
    }
    return len(tagged), {version: lost for version, lost in missing.items() if lost}


def documents_below(
    reader: RegistryReader, repository: Repository, roots: Iterable[Digest]
) -> Mapping[Digest, Manifest | None]:
    """Read everything below some roots, None for what the registry does not have now.

    Raises: EvidenceError, when the registry cannot be read.
    """
    documents: dict[Digest, Manifest | None] = {}
    ahead = set(roots)
    while ahead:
        here = reader.present(repository, sorted(ahead))
        found = reader.manifests(repository, sorted(d for d, there in here.items() if there))
        documents |= dict.fromkeys(ahead) | dict(found)
        children = chain.from_iterable(map(listed, found.values()))
        ahead = {child.digest for child in children} - documents.keys()
    return documents
