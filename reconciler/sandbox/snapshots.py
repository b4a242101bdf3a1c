"""Convert a snapshot to packages, and packages to a snapshot."""

from collections.abc import Iterable
from datetime import datetime

from reconciler.model.names import Digest, Tag
from reconciler.model.snapshot import ContentRecord, PackageRecord, Snapshot, VersionRecord
from reconciler.sandbox.package import Owner, StoredPackage, StoredVersion


def packages_of(snapshot: Snapshot) -> list[StoredPackage]:
    """Create every package of a snapshot."""
    packages = []
    for record in snapshot.packages:
        owner = Owner(record.owner, record.owner_kind)
        # A snapshot does not record when the package was created.
        created = min((v.created_at for v in record.versions), default=snapshot.taken_at)
        package = StoredPackage(owner, record.name, created, record.visibility)
        package.blobs.update((digest, blob.body) for digest, blob in record.blobs.items())
        # Ids increase with time on GitHub, so versions without one are numbered from the oldest on.
        first_id = package.next_id
        for place, version in enumerate(sorted(record.versions, key=lambda v: v.created_at)):
            content = record.manifests.get(version.digest)
            stored = StoredVersion(
                id=first_id + place if version.id is None else version.id,
                digest=version.digest,
                created_at=version.created_at,
                updated_at=version.updated_at or version.created_at,
                # Without bytes the registry has lost the manifest, and answers 404 for it.
                media_type=content.media_type if content else "",
                body=content.body if content else None,
                tags=version.tags,
                downloads=version.downloads,
                deleted_at=version.deleted_at,
            )
            package.add(stored, snapshot.taken_at)
        packages.append(package)
    return packages


def snapshot_of(packages: Iterable[StoredPackage], now: datetime) -> Snapshot:
    """Record the packages that are not deleted; the inverse of `packages_of`."""
    live = (package for package in packages if package.deleted_at is None)
    return Snapshot(taken_at=now, packages=tuple(_record(package) for package in live))


def _record(package: StoredPackage) -> PackageRecord:
    versions = package.versions.values()
    return PackageRecord(
        owner=package.owner.login,
        owner_kind=package.owner.kind,
        name=package.name,
        visibility=package.visibility,
        versions=tuple(
            VersionRecord(
                id=version.id,
                digest=Digest(version.digest),
                created_at=version.created_at,
                updated_at=version.updated_at,
                tags=tuple(Tag(tag) for tag in version.tags),
                downloads=version.downloads,
                deleted_at=version.deleted_at,
            )
            for version in versions
        ),
        manifests={
            Digest(version.digest): ContentRecord.of(version.body, version.media_type)
            for version in versions
            if version.body is not None
        },
        blobs={Digest(digest): ContentRecord.of(body) for digest, body in package.blobs.items()},
    )
