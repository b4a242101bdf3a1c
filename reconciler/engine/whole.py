"""Read every manifest of a repository, for reports that add all of it up.

A plan gets by with about one document for each image; here, whatever the cache lacks costs a
request. So the reads can be counted first, and are only made by whoever lets them be.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.engine.existence import require_known
from reconciler.engine.follow import TagOnlyObserver
from reconciler.engine.observe import remembered
from reconciler.model.inventory import Evidence, Inventory, Version
from reconciler.model.names import Repository
from reconciler.model.observations import Observations
from reconciler.model.ports import Listing, RegistryReader


@dataclass(frozen=True, slots=True)
class Ahead:
    """A repository that was listed, and how many of its documents the cache lacks.

    Shape: where the registry lists tags only, there are at least so many `reads`.
    """

    repository: Repository
    listing: Listing
    reads: int


def look_ahead(reader: RegistryReader, repository: Repository) -> Ahead:
    """List a repository and count the reads that all of its manifests will take.

    Raises: EvidenceError, when it could not be listed whole; AccessError.
    """
    listing = reader.listing(repository)
    unread = reader.unread(version.digest for version in listing.versions)
    return Ahead(repository, listing, len(unread))


def read_whole(reader: RegistryReader, ahead: Ahead, seen: Observations) -> Inventory:
    """Read every manifest of a repository that was listed.

    A version whose manifest the registry lacks stays without: it is as broken as it is there.

    Raises: EvidenceError, when anything could not be read and verified; AccessError.
    """
    before = reader.requests
    versions = {version.digest: version for version in _versions(reader, ahead, seen)}
    require_known(ahead.repository, ahead.listing, versions, seen)
    read = reader.manifests(ahead.repository, versions)
    documents = {digest: document for digest, document in read.items() if document}
    return Inventory.of(
        ahead.repository,
        (remembered(version, documents, {}, seen) for version in versions.values()),
        facts=reader.capabilities.facts,
        evidence=Evidence(
            pages=ahead.listing.pages,
            requests=reader.requests - before,
            watermark=ahead.listing.watermark,
        ),
    )


def _versions(reader: RegistryReader, ahead: Ahead, seen: Observations) -> Iterable[Version]:
    if ahead.listing.closed:
        return ahead.listing.versions
    trail = TagOnlyObserver(reader, ahead.repository, ahead.listing.versions)
    trail.run(seen.digests)
    return trail.versions.values()
