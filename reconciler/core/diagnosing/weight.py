"""How many bytes each version brought that were not there before."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from reconciler.model.inventory import Version
from reconciler.model.manifest import Descriptor, Manifest
from reconciler.model.names import Digest

_FIRST = datetime.min.replace(tzinfo=UTC)


def weights(versions: Iterable[Version]) -> Mapping[Digest, int]:
    """Count each blob once, for the oldest version that names it; what has no time is oldest.

    Units: bytes, as manifests tell them: of the documents, configurations and layers.
    """
    counted: set[Digest] = set()
    found: dict[Digest, int] = {}
    for version in sorted(versions, key=lambda one: (one.pushed or _FIRST, one.digest)):
        found[version.digest] = 0
        if version.manifest is None:
            continue
        fresh = {b.digest: b.size for b in _blobs(version.manifest) if b.digest not in counted}
        counted.update(fresh)
        found[version.digest] = version.manifest.size + sum(fresh.values())
    return found


def _blobs(manifest: Manifest) -> Iterator[Descriptor]:
    """Yield the configuration and layers, those too that an index-shaped cache lists."""
    if manifest.config:
        yield manifest.config
    yield from manifest.layers
    yield from (child for child in manifest.children if child.is_blob)
