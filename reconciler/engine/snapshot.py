"""Copy one repository: every version, and the very bytes of every manifest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.engine.created import creation_times
from reconciler.engine.follow import TagOnlyObserver
from reconciler.model.inventory import Version
from reconciler.model.manifest import parse_manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.observations import Observations
from reconciler.model.ports import RegistryReader
from reconciler.model.snapshot import ContentRecord, PackageRecord, VersionRecord

LIBRARY = "library"
"""The owner that a repository gets whose path has one part only, as on Docker Hub."""


@dataclass(frozen=True, slots=True)
class RepositoryContent:
    """The versions of one repository, and when each was made, as far as anybody knows.

    Shape: `times` has the registry's own time where there is one, else what the image says of
        itself; a version without either is missing from it.
    """

    repository: Repository
    versions: tuple[Version, ...]
    times: Mapping[Digest, datetime]


def find(reader: RegistryReader, repository: Repository, seen: Observations) -> RepositoryContent:
    """List what there is; where only tags are listed, follow them, and what runs saw before.

    Raises: EvidenceError, when anything could not be read whole; AccessError.
    """
    listing = reader.listing(repository)
    if listing.closed:
        times = {version.digest: version.pushed for version in listing.versions if version.pushed}
        return RepositoryContent(repository, listing.versions, times)
    trail = TagOnlyObserver(reader, repository, listing.versions)
    trail.run(seen.digests)
    told = creation_times(reader, repository, trail.documents)
    return RepositoryContent(repository, tuple(trail.versions.values()), told)


def copy(
    reader: RegistryReader, found: RepositoryContent, taken_at: datetime, *, configs: bool
) -> PackageRecord:
    """Read the bytes of every manifest and, if wanted, of every image's configuration.

    A version whose manifest the registry lacks is copied without, as broken as it is there. One
    of unknown age counts as made at the moment of the copy, so that nothing lets it go too soon.

    Raises: EvidenceError, when bytes could not be read, or are not what their digest promises.
    """
    documents = reader.documents(found.repository, [version.digest for version in found.versions])
    present = {digest: document for digest, document in documents.items() if document}
    wanted = _configs(present) if configs else ()
    blobs = reader.blobs(found.repository, wanted)
    owner, _, name = found.repository.path.partition("/")
    return PackageRecord(
        owner=owner if name else LIBRARY,
        name=name or owner,
        versions=tuple(_version(version, found, taken_at) for version in found.versions),
        manifests={
            digest: ContentRecord.of(body, kind) for digest, (kind, body) in present.items()
        },
        blobs={digest: ContentRecord.of(body) for digest, body in blobs.items() if body},
    )


def _configs(documents: Mapping[Digest, tuple[str, bytes]]) -> Iterator[Digest]:
    for digest, (kind, body) in documents.items():
        config = parse_manifest(digest, kind, body).config
        if config and config.is_image_config:
            yield config.digest


def _version(version: Version, found: RepositoryContent, taken_at: datetime) -> VersionRecord:
    return VersionRecord(
        digest=version.digest,
        id=int(version.id) if version.id else None,
        tags=version.tags,
        created_at=found.times.get(version.digest, taken_at),
    )
