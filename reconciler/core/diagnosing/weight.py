"""How many bytes each version brought that were not there before."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from reconciler.core.holdings import blobs
from reconciler.model.inventory import Version
from reconciler.model.names import Digest

_FIRST = datetime.min.replace(tzinfo=UTC)


def weights(versions: Iterable[Version]) -> Mapping[Digest, int]:
    """Count each blob once, for the oldest version that names it; what has no time is oldest.

    Units: bytes, as manifests tell them: of the documents, configurations and layers.
    """
    counted: set[Digest] = set()
    found: dict[Digest, int] = {}
    for version in sorted(versions, key=lambda one: (one.pushed or _FIRST, one.digest)):
        fresh = {blob: size for blob, size in blobs(version) if blob not in counted}
        counted.update(fresh)
        found[version.digest] = sum(fresh.values())
    return found
