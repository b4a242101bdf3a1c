"""One package with GitHub's rules: versions, tags, blobs, deletions, a listing that may lag."""

import hashlib
import json
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from zlib import crc32

from reconciler.model.snapshot import OwnerKind, Visibility
from reconciler.sandbox.settings import Lag

RESTORABLE = timedelta(days=30)
"""How long a deletion can be undone. Source: GitHub, "Deleting and restoring a package"."""

Key = tuple[datetime, int]
"""The sort key of a version in a listing: its time, then its id."""


@dataclass(frozen=True, slots=True)
class Content:
    """One manifest or blob, with the blobs that a pull of it needs.

    Units: `stated` is the size in bytes that descriptors state; 0 for that of `body`.
    """

    media_type: str
    body: bytes
    artifact_type: str = ""
    blobs: tuple["Content", ...] = ()
    stated: int = 0
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute the digest of the bytes."""
        # The class is frozen, and the digest depends on the other fields.
        object.__setattr__(self, "digest", sha256(self.body))

    def descriptor(self, **members: Any) -> dict[str, Any]:
        """Return the descriptor of this content, with additional `members`."""
        kind = {"artifactType": self.artifact_type} if self.artifact_type else {}
        size = self.stated or len(self.body)
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": size,
            **kind,
            **members,
        }


def sha256(body: bytes) -> str:
    """Return the digest of bytes."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def document(media_type: str, members: Mapping[str, Any], *blobs: Content) -> Content:
    """Write a manifest or index; its members keep the given order, as with real tools."""
    body = {"schemaVersion": 2, "mediaType": media_type, **members}
    artifact_type = str(members.get("artifactType", ""))
    return Content(
        media_type, json.dumps(body, separators=(",", ":")).encode(), artifact_type, blobs
    )


@dataclass(frozen=True, slots=True)
class Owner:
    """A user or organisation."""

    login: str
    kind: OwnerKind = "Organization"

    @property
    def id(self) -> int:
        """An id that is the same in every run."""
        return 1_000_000 + crc32(self.login.lower().encode()) % 90_000_000


@dataclass(slots=True)
class StoredVersion:
    """One manifest of a package; `body` is None when the registry has lost it.

    Shape: `tags` in the order they were added; a deletion leaves them unchanged.
    """

    id: int
    digest: str
    created_at: datetime
    updated_at: datetime
    media_type: str = ""
    body: bytes | None = None
    tags: tuple[str, ...] = ()
    downloads: int = 0
    deleted_at: datetime | None = None

    @property
    def key(self) -> Key:
        """Its sort key in a listing."""
        return (self.created_at, self.id)


class StoredPackage:
    """A package whose every change follows GitHub's rules on times, tags and ids."""

    def __init__(
        self, owner: Owner, name: str, created_at: datetime, visibility: Visibility = "private"
    ) -> None:
        """Start without versions; ids increase from a number that depends on the name."""
        self.owner = owner
        self.name = name
        self.visibility = visibility
        self.created_at = created_at.replace(microsecond=0)
        self.deleted_at: datetime | None = None
        self.id = 7_000_000 + crc32(self.path.encode()) % 90_000_000
        self.versions: dict[int, StoredVersion] = {}
        self.tags: dict[str, StoredVersion] = {}
        self.blobs: dict[str, bytes] = {}
        self.listing = PackageListing()
        self._by_digest: dict[str, StoredVersion] = {}
        # Ids are unique on all of GitHub; each package gets a range that is probably its own.
        self.next_id = 1_300_000_000 + crc32(self.path.encode()) % 500 * 1_000_000

    @classmethod
    def of(cls, path: str, created_at: datetime, visibility: Visibility = "private") -> Self:
        """Create the package `owner/name` of an organisation."""
        login, _, name = path.partition("/")
        return cls(Owner(login), name, created_at, visibility)

    @property
    def path(self) -> str:
        """The name inside the registry, `owner/name` with the owner in lower case."""
        return f"{self.owner.login.lower()}/{self.name}"

    @property
    def live(self) -> Collection[StoredVersion]:
        """The versions that are not deleted."""
        return self._by_digest.values()

    def deleted(self, now: datetime) -> Iterator[StoredVersion]:
        """Yield the versions that can still be restored, newest first."""
        gone = (version for version in self.versions.values() if _restorable(version, now))
        yield from sorted(gone, key=lambda version: version.key, reverse=True)

    def find(self, reference: str) -> StoredVersion | None:
        """Return the live version with this tag or digest."""
        known = self._by_digest if ":" in reference else self.tags
        return known.get(reference)

    def push(self, content: Content, *tags: str, at: datetime) -> StoredVersion:
        """Store a manifest with its blobs and move tags to it.

        Bytes that exist already create no new version and change no time.
        """
        for blob in content.blobs:
            self.blobs[blob.digest] = blob.body
        version = self._by_digest.get(content.digest)
        if version is None:
            # GitHub keeps whole seconds; all manifests of one push often share one.
            at = at.replace(microsecond=0)
            made = StoredVersion(
                self.next_id, content.digest, at, at, content.media_type, content.body
            )
            version = self.add(made, at)
        self.tag(version, *tags, at=at)
        return version

    def add(self, version: StoredVersion, now: datetime) -> StoredVersion:
        """Add a version unchanged, with its tags and times."""
        self.next_id = max(self.next_id, version.id) + 1
        self.versions[version.id] = version
        if version.deleted_at is None:
            self._by_digest[version.digest] = version
            self.tags.update(dict.fromkeys(version.tags, version))
            self.listing.show(version.key, version.tags, now)
        return version

    def tag(self, version: StoredVersion, *tags: str, at: datetime) -> None:
        """Move tags to a version; neither its times nor those of the former version change."""
        for tag in tags:
            holder = self.tags.get(tag)
            if holder is version:
                continue
            if holder is not None:
                self._retag(holder, tuple(kept for kept in holder.tags if kept != tag), at)
            self.tags[tag] = version
            self._retag(version, (*version.tags, tag), at)

    def delete(self, version: StoredVersion, at: datetime) -> None:
        """Delete a version and its tags, so that it can be restored."""
        version.deleted_at = at.replace(microsecond=0)
        del self._by_digest[version.digest]
        for tag in version.tags:
            del self.tags[tag]
        self.listing.hide(version.key, at)

    def restore(self, version: StoredVersion, at: datetime, *, tags: bool) -> None:
        """Restore a version; a tag that another version has by now is not moved back."""
        version.deleted_at = None
        # A tag belongs to one version, and the later owner keeps it.
        free = tuple(tag for tag in version.tags if tags and tag not in self.tags)
        version.tags = free
        self._by_digest[version.digest] = version
        self.tags.update(dict.fromkeys(free, version))
        self.listing.show(version.key, free, at)

    def restorable(self, version_id: int, now: datetime) -> StoredVersion | None:
        """Return a deleted version that can be restored, if its digest was not pushed again."""
        version = self.versions.get(version_id)
        if version is None or not _restorable(version, now) or version.digest in self._by_digest:
            return None
        return version

    def _retag(self, version: StoredVersion, tags: tuple[str, ...], at: datetime) -> None:
        version.tags = tags
        self.listing.show(version.key, tags, at)


def _restorable(version: StoredVersion, now: datetime) -> bool:
    return version.deleted_at is not None and version.deleted_at + RESTORABLE > now


@dataclass(frozen=True, slots=True)
class _Change:
    """A row to show with these tags, or to hide if None, once the lag has passed."""

    key: Key
    tags: tuple[str, ...] | None
    due_at: datetime
    due_after_reads: int


class PackageListing:
    """The rows of one package's listing, newest first."""

    def __init__(self) -> None:
        """Start empty and without lag."""
        self.lag = Lag()
        self._keys: list[Key] = []
        self._tags: dict[int, tuple[str, ...]] = {}
        self._pending: deque[_Change] = deque()
        self._reads = 0

    def show(self, key: Key, tags: tuple[str, ...], now: datetime) -> None:
        """Show a version with these tags, after the lag."""
        self._change(key, tags, now)

    def hide(self, key: Key, now: datetime) -> None:
        """Hide a version, after the lag."""
        self._change(key, None, now)

    def page(
        self, number: int, size: int, now: datetime
    ) -> tuple[Sequence[tuple[int, tuple[str, ...]]], int]:
        """Return one page of ids with their tags, and the total number of rows."""
        # This page is not counted before it is served: a lag of one read hides one page.
        self._settle(now)
        self._reads += 1
        total = len(self._keys)
        end = max(total - (number - 1) * size, 0)
        keys = reversed(self._keys[max(end - size, 0) : end])
        return [(version_id, self._tags[version_id]) for _, version_id in keys], total

    def _change(self, key: Key, tags: tuple[str, ...] | None, now: datetime) -> None:
        change = _Change(key, tags, now + self.lag.time, self._reads + self.lag.reads)
        self._pending.append(change)
        self._settle(now)

    def _settle(self, now: datetime) -> None:
        while self._pending:
            change = self._pending[0]
            # Changes become visible in their order, so a later one waits for an earlier one.
            if change.due_at > now or change.due_after_reads > self._reads:
                break
            self._pending.popleft()
            version_id = change.key[1]
            is_listed = version_id in self._tags
            if change.tags is not None:
                self._tags[version_id] = change.tags
                if not is_listed:
                    insort(self._keys, change.key)
            elif is_listed:
                del self._tags[version_id]
                del self._keys[bisect_left(self._keys, change.key)]
