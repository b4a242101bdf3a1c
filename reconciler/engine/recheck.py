"""Look at what was pushed since an inventory was read, and at all it refers to."""

from collections.abc import Iterable

from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest
from reconciler.model.ports import RegistryReader


def newly_referenced(reader: RegistryReader, inventory: Inventory) -> set[Digest]:
    """Return the versions that something newer than the inventory names.

    Raises: EvidenceError, when the newest versions cannot be read: then nothing more may go.
    """
    listing = reader.newest(inventory.repository, inventory.evidence.watermark)
    fresh = [v for v in listing.versions if v.digest not in inventory.versions]
    named: set[Digest] = {subject for v in fresh for tag in v.tags if (subject := tag.subject)}
    ahead: Iterable[Digest] = [version.digest for version in fresh]
    read: set[Digest] = set()
    while ahead:
        read.update(ahead)
        found = reader.manifests(inventory.repository, sorted(ahead))
        names = {name for manifest in found.values() if manifest for name in manifest.names}
        named |= names
        ahead = names - read - inventory.versions.keys()
    return named & inventory.versions.keys()
