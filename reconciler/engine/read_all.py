"""Read every manifest of a repository, for reports, samples and snapshots.

A plan needs about one document for each image. Here each document that the cache lacks costs a
request, so the reads can be counted first, and the caller decides whether they are made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.engine.manifests import creation_times
from reconciler.engine.observe import (
    TagOnlyObserver,
    observe,
    remembered,
    require_known,
)
from reconciler.engine.similar import listing_of
from reconciler.errors import ReconcilerError
from reconciler.model.inventory import Evidence, Inventory, Observations, Version
from reconciler.model.manifest import parse_manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import Listing, RegistryReader
from reconciler.model.snapshot import ContentRecord, PackageRecord, VersionRecord

MOST = 20
"""Most repositories that are read for one pattern, which may name thousands."""

LIBRARY = "library"
"""The owner that a repository gets whose path has one part only, as on Docker Hub."""


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
    listing = listing_of(reader, repository)
    unread = reader.documents.unread(version.digest for version in listing.versions)
    return Ahead(repository, listing, len(unread))


def read_whole(reader: RegistryReader, ahead: Ahead, observations: Observations) -> Inventory:
    """Read every manifest of a repository that was listed.

    A version whose manifest the registry lacks has none here either.

    Raises: EvidenceError, when anything could not be read and verified; AccessError.
    """
    before = reader.requests(ahead.repository)
    listed: Iterable[Version] = ahead.listing.versions
    if not ahead.listing.closed:
        # Where only tags are listed, versions are found by following references from them.
        trail = TagOnlyObserver(reader, ahead.repository, ahead.listing.versions)
        trail.run(observations.digests)
        listed = trail.versions.values()
    versions = {version.digest: version for version in listed}
    require_known(reader, ahead.repository, ahead.listing, versions, observations)
    read = reader.documents.manifests(ahead.repository, versions)
    documents = {digest: document for digest, document in read.items() if document}
    return Inventory.of(
        ahead.repository,
        (remembered(version, documents, {}, observations) for version in versions.values()),
        facts=reader.capabilities.facts,
        evidence=Evidence(
            pages=ahead.listing.pages,
            requests=reader.requests(ahead.repository) - before,
            watermark=ahead.listing.watermark,
        ),
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """The repositories read for a pattern, and the error that ended reading, if one did."""

    glob: RepositoryGlob
    inventories: tuple[Inventory, ...]
    error: ReconcilerError | None = None


def sample(glob: RepositoryGlob, reader: RegistryReader) -> Sample:
    """Read the first repositories that a pattern names; an error is part of the result."""
    inventories: list[Inventory] = []
    try:
        for repository in list(reader.repositories(glob))[:MOST]:
            inventories.append(observe(reader, repository))  # noqa: PERF401 - an error keeps the others
    except ReconcilerError as error:
        return Sample(glob, tuple(inventories), error)
    return Sample(glob, tuple(inventories))


@dataclass(frozen=True, slots=True)
class RepositoryContent:
    """The versions of one repository, and when each was created, as far as is known.

    Shape: `times` has the registry's own time where there is one, else what the image says of
        itself; a version without either is missing from it.
    """

    repository: Repository
    versions: tuple[Version, ...]
    times: Mapping[Digest, datetime]


def find(
    reader: RegistryReader, repository: Repository, observations: Observations
) -> RepositoryContent:
    """List the versions; where only tags are listed, follow them and what runs observed before.

    Raises: EvidenceError, when anything could not be read whole; AccessError.
    """
    listing = listing_of(reader, repository)
    if listing.closed:
        times = {version.digest: version.pushed for version in listing.versions if version.pushed}
        return RepositoryContent(repository, listing.versions, times)
    trail = TagOnlyObserver(reader, repository, listing.versions)
    trail.run(observations.digests)
    require_known(reader, repository, listing, trail.versions, observations)
    claimed = creation_times(reader, repository, trail.documents)
    return RepositoryContent(repository, tuple(trail.versions.values()), claimed)


def copy(
    reader: RegistryReader, content: RepositoryContent, taken_at: datetime, *, configs: bool
) -> PackageRecord:
    """Read the bytes of every manifest and, if wanted, of every image's configuration.

    A version whose manifest the registry lacks is copied without it. One of unknown age counts as
    created at the time of the copy, so that it does not expire too soon.

    Raises: EvidenceError, when bytes could not be read, or are not what their digest promises.
    """
    documents = reader.documents.raw_manifests(
        content.repository, [version.digest for version in content.versions]
    )
    present = {digest: document for digest, document in documents.items() if document}
    wanted = [
        config.digest
        for digest, document in present.items()
        # Without `configs` nothing is parsed, so that any manifest can be copied.
        if configs and (config := parse_manifest(digest, *document).config)
        if config.is_image_config
    ]
    blobs = reader.documents.blobs(content.repository, wanted)
    owner, _, name = content.repository.path.partition("/")
    return PackageRecord(
        owner=owner if name else LIBRARY,
        name=name or owner,
        versions=tuple(
            VersionRecord(
                digest=version.digest,
                id=int(version.id) if version.id else None,
                tags=version.tags,
                created_at=content.times.get(version.digest, taken_at),
            )
            for version in content.versions
        ),
        manifests={
            digest: ContentRecord.of(body, kind) for digest, (kind, body) in present.items()
        },
        blobs={digest: ContentRecord.of(body) for digest, body in blobs.items() if body},
    )
