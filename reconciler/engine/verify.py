"""Whether tagged images can be pulled whole: every manifest they list, asked of the registry."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

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
    documents = _below(reader, repository, [version.digest for version in tagged])
    holes = {version: tuple(_holes(version.digest, documents)) for version in tagged}
    return len(tagged), {version: missing for version, missing in holes.items() if missing}


def _below(
    reader: RegistryReader, repository: Repository, roots: Iterable[Digest]
) -> Mapping[Digest, Manifest | None]:
    """Read everything below some roots, None for what the registry does not have."""
    documents: dict[Digest, Manifest | None] = {}
    ahead = set(roots)
    while ahead:
        here = reader.present(repository, sorted(ahead))
        found = reader.manifests(repository, sorted(d for d, there in here.items() if there))
        documents |= dict.fromkeys(ahead) | dict(found)
        ahead = set(chain.from_iterable(map(_children, found.values()))) - documents.keys()
    return documents


def _children(manifest: Manifest | None) -> Iterator[Digest]:
    children = manifest.children if manifest else ()
    return (child.digest for child in children if not child.is_blob)


def _holes(root: Digest, documents: Mapping[Digest, Manifest | None]) -> Iterator[Digest]:
    """Yield what is missing below one image. A digest cannot contain itself, so it ends."""
    manifest = documents[root]
    if manifest is None:
        yield root
    for child in _children(manifest):
        yield from _holes(child, documents)
