"""Look at what was pushed or tagged since an inventory was read, and at all it refers to."""

from collections.abc import Iterable, Iterator, Set

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Digest
from reconciler.model.ports import RegistryReader


def newly_referenced(reader: RegistryReader, inventory: Inventory) -> set[Digest]:
    """Return the versions that something newer than the inventory names: a document or a tag.

    What speaks of something newer counts as well: an image may be pushed again whose signature
    was left behind.

    Raises: EvidenceError, when the newest versions cannot be read: then nothing more may go.
    """
    listing = reader.newest(inventory.repository, inventory.evidence.watermark)
    fresh = {version.digest for version in listing.versions} - inventory.versions.keys()
    named = fresh | _named_by(reader, inventory, fresh)
    speaking = _speaking(inventory, named - inventory.versions.keys())
    named.update(_tagged(listing.versions, inventory), speaking)
    return named & inventory.versions.keys()


def _tagged(versions: Iterable[Version], inventory: Inventory) -> Iterator[Digest]:
    """Yield what tags speak of or point to that did not when the inventory was read."""
    for version in versions:
        known = inventory.versions.get(version.digest)
        tags = set(version.tags).difference(known.tags if known else ())
        if tags:
            yield version.digest
        yield from (subject for tag in tags if (subject := tag.subject))


def _named_by(reader: RegistryReader, inventory: Inventory, fresh: Set[Digest]) -> set[Digest]:
    """Follow new versions to all they name, through what the inventory does not know."""
    named: set[Digest] = set()
    read: set[Digest] = set()
    while ahead := (fresh | named) - read - inventory.versions.keys():
        read |= ahead
        for digest, manifest in reader.manifests(inventory.repository, sorted(ahead)).items():
            if manifest:
                named |= manifest.names
            elif digest in fresh:
                raise EvidenceError(f"{inventory.repository}@{digest}: its manifest is unknown")
    return named


def _speaking(inventory: Inventory, arrived: Set[Digest]) -> Iterator[Digest]:
    """Yield what refers to, or signs, something that was not there."""
    for version in inventory.versions.values() if arrived else ():
        subjects = {subject for tag in version.tags if (subject := tag.subject)}
        if version.manifest and version.manifest.subject:
            subjects.add(version.manifest.subject)
        if not subjects.isdisjoint(arrived):
            yield version.digest
