"""Whether tagged images can be pulled whole: every manifest they list, asked of the registry."""

from collections.abc import Iterator, Mapping

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
    here: dict[Digest, bool] = {}
    documents: dict[Digest, Manifest] = {}
    ahead = {version.digest for version in tagged}
    while ahead:
        asked = reader.present(repository, sorted(ahead))
        here |= asked
        found = reader.manifests(repository, sorted(d for d, there in asked.items() if there))
        documents |= {digest: manifest for digest, manifest in found.items() if manifest}
        ahead = {child for m in found.values() if m for child in _children(m)} - here.keys()
    holes = {version: tuple(_holes(version.digest, documents, here)) for version in tagged}
    return len(tagged), {version: missing for version, missing in holes.items() if missing}


def _children(manifest: Manifest) -> Iterator[Digest]:
    return (child.digest for child in manifest.children if not child.is_blob)


def _holes(
    root: Digest, documents: Mapping[Digest, Manifest], here: Mapping[Digest, bool]
) -> Iterator[Digest]:
    """Yield what is missing below one image. A digest cannot contain itself, so it ends."""
    if not here[root]:
        yield root
    for child in _children(documents[root]) if root in documents else ():
        yield from _holes(child, documents, here)
