"""A registry in memory: it records every call, and fails or is edited when a test says so."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.errors import AccessError, ManifestError, ReconcilerError
from reconciler.model.effort import Allowance, Effort, Job
from reconciler.model.inventory import Fact, Version
from reconciler.model.manifest import Manifest, parse_manifest
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import (
    Capabilities,
    Clock,
    Deletion,
    DeletionResult,
    Documents,
    Listing,
    Restoration,
)
from tests.support.recorded_calls import Scripted
from tests.support.storage import Storage, Stored

WEB = Repository("ghcr.io/acme/web")
LAST_TAGGED = "You cannot delete the last tagged version of a package."
_OPEN_FACTS = frozenset(Fact) - {Fact.PUSHED}


class FakeRegistry(Scripted):
    """One repository behind the `Registry` port.

    A closed listing is GitHub's: every version with id and time, deletions that can be taken
    back, refusals. An open one is a plain OCI registry's: tags only.
    """

    def __init__(
        self,
        clock: Clock,
        repository: Repository = WEB,
        *,
        closed: bool = True,
        referrers: bool = False,
        page: int = 100,
    ) -> None:
        """Begin empty. Units: `page` in versions; `referrers` switches on the endpoint."""
        super().__init__()
        self.repository = repository
        self.storage = Storage(clock)
        self.fetched: list[str] = []
        """Digests whose document was really sent, since no cache had it."""

        self.refuses: dict[str, str] = {}
        """Digests that are never deleted, each with the registry's words."""

        self.forbids_deletion = False
        self.lag = 0.0
        """By how many seconds listings are late to show what was pushed or tagged."""

        self.removed: list[str] = []
        """The digests that our own deletions removed, in order."""

        self.visibility = ""
        self._clock = clock
        self.closed = closed
        self._referrers = referrers
        self._page = page
        self._cache: dict[Digest, Manifest] = {}

    @property
    def capabilities(self) -> Capabilities:
        """What this registry can do."""
        facts = frozenset(Fact) if self.closed else _OPEN_FACTS
        held = timedelta(days=30) if self.closed else None
        return Capabilities(
            facts,
            undo=self.closed,
            undo_for=held,
            referrers=self._referrers,
            deletions_at_once=1 if self.closed else 4,
        )

    @property
    def allowance(self) -> Allowance:
        """Limit nothing."""
        return Allowance()

    def effort(self, repository: Repository, job: Job) -> Effort:
        """Estimate as little as can be."""
        return Effort(job.pages + 2 * job.deletions, 0.0)

    def repositories(self, glob: RepositoryGlob) -> Sequence[Repository]:
        """List the one repository, where the pattern names it."""
        self._enter("repositories", glob)
        return [self.repository] if glob.matches(self.repository) else []

    def listing(self, repository: Repository) -> Listing:
        """List every version, or only what has a tag."""
        self._enter("listing", repository)
        return self._pages(self.storage.newest_first)

    def manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, Manifest | None]:
        """Send documents; what was sent once comes from the cache for ever."""
        wanted = list(digests)
        self._enter("manifests", *wanted, requests=0)
        found: dict[Digest, Manifest | None] = {}
        flaws: dict[str, str] = {}
        for digest in wanted:
            try:
                found[digest] = self._document(digest)
            except ManifestError as error:
                flaws[digest] = str(error)
        if flaws:
            raise ManifestError("; ".join(flaws.values()), flaws=flaws)
        return found

    def forget_documents(self) -> None:
        """Let the next reader begin without a cache."""
        self._cache.clear()

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return words that no shell knows."""
        return f"delete {repository}@{version.digest}"

    @property
    def documents(self) -> Documents:
        """Read documents from the same storage, with calls in the same list."""
        return self

    def raw_manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[str, bytes] | None]:
        """Send documents as they were pushed."""
        asked = list(digests)
        self._enter("raw_manifests", *asked, requests=len(asked))
        found = {digest: self.storage.live.get(digest) for digest in asked}
        return {
            digest: (stored.document.media_type, stored.document.content) if stored else None
            for digest, stored in found.items()
        }

    def blobs(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bytes | None]:
        """Send blobs."""
        asked = list(digests)
        self._enter("blobs", *asked, requests=len(asked))
        return {digest: self.storage.blobs.get(digest) for digest in asked}

    def present(self, repository: Repository, digests: Iterable[Digest]) -> Mapping[Digest, bool]:
        """Tell which digests are there now."""
        asked = list(digests)
        self._enter("present", *asked, requests=len(asked))
        return {digest: digest in self.storage.live for digest in asked}

    def blobs_present(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bool]:
        """Tell which blobs are there now."""
        asked = list(digests)
        self._enter("blobs_present", *asked, requests=len(asked))
        return {digest: digest in self.storage.blobs for digest in asked}

    def unread(self, digests: Iterable[Digest]) -> Sequence[Digest]:
        """Tell which documents were never sent."""
        return [digest for digest in dict.fromkeys(digests) if digest not in self._cache]

    def referrers(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[Digest, ...]]:
        """List what names each digest as its subject, where the endpoint is switched on."""
        asked = list(digests)
        self._enter("referrers", *asked, requests=len(asked) if self._referrers else 0)
        return {digest: tuple(self._referring(digest)) for digest in asked}

    def created(
        self, repository: Repository, manifests: Iterable[Manifest]
    ) -> Mapping[Digest, datetime | None]:
        """Read each image's own claim: its annotation, else its configuration."""
        asked = list(manifests)
        self._enter("created", *(manifest.digest for manifest in asked), requests=len(asked))
        return {manifest.digest: self._claimed(manifest) for manifest in asked}

    def version(self, repository: Repository, version: Version) -> Version | None:
        """Look at one version; an open registry can only tell which known tags are still its."""
        self._enter("version", version.digest)
        stored = self._find(version)
        if stored is None:
            return None
        found = self._version(stored)
        if self.closed:
            return found
        return Version(found.digest, tuple(tag for tag in found.tags if tag in version.tags))

    def look(
        self,
        repository: Repository,
        versions: Sequence[Version],
        followers: Set[Digest] = frozenset(),
    ) -> Mapping[Digest, Version]:
        """Look at several versions, one after the other."""
        found = (self.version(repository, version) for version in versions)
        return {version.digest: version for version in found if version}

    def newest(self, repository: Repository, watermark: str) -> Listing:
        """List pages from the newest down to the watermark; an open registry lists all tags."""
        self._enter("newest", watermark)
        rows = self.storage.newest_first
        newer = sum(stored.id > int(watermark or 0) for stored in rows)
        pages = newer // self._page + 1
        return self._pages(rows[: pages * self._page] if self.closed else rows)

    def server_time(self) -> datetime | None:
        """Tell the time as the tests have it."""
        return self._clock()

    def check_deletion(self, repository: Repository) -> None:
        """Refuse where a test forbids deletion."""
        self._enter("check_deletion", repository)
        if self.forbids_deletion:
            raise AccessError("the token may not delete", hint="Give it the right to delete.")

    def watching(self, repository: Repository) -> AbstractContextManager[None]:
        """Read nothing beside."""
        return nullcontext()

    def pace(
        self,
        repository: Repository,
        changes: int,
        looked_at: Sequence[Version] = (),
        followers: Set[Digest] = frozenset(),
    ) -> None:
        """Note how many changes are to go without a pause."""
        self._enter("pace", str(changes), requests=0)

    def delete_together(
        self, repository: Repository, versions: Sequence[Version], may_send: Callable[[], bool]
    ) -> Iterator[tuple[Version, Deletion]]:
        """Delete versions that are sent together, in an order that stays the same."""
        answers: list[tuple[Version, Deletion]] = []
        error: ReconcilerError | None = None
        for version in versions:
            try:
                if may_send():
                    answers += [(version, self.delete(repository, version))]
            except ReconcilerError as raised:
                error = error or raised
        yield from answers
        if error:
            raise error

    def delete(self, repository: Repository, version: Version) -> Deletion:
        """Delete one version, refuse it, or answer as a test wants."""
        self._enter("delete", version.digest)
        stored, answer = self._find(version), self._scripted_answer()
        if answer:
            if answer.done and stored:
                self._remove(stored)
            return answer.deletion
        if stored is None:
            return Deletion(DeletionResult.ABSENT, 404, "Not Found")
        if words := self._refusal(stored):
            return Deletion(DeletionResult.RETAINED, 400, words)
        self._remove(stored)
        return Deletion(DeletionResult.DELETED, 204, request_id=f"R{len(self.calls)}")

    def restore(self, repository: Repository, version: Version) -> Restoration:
        """Take a deletion back; a plain registry cannot."""
        self._enter("restore", version.digest)
        return Restoration(self.closed and self.storage.restore(int(version.id)))

    def deleted(self, repository: Repository) -> Sequence[Version]:
        """List what can still be taken back."""
        self._enter("deleted", repository)
        return tuple(map(self._version, self.storage.deleted.values())) if self.closed else ()

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag that nobody has."""
        self._enter("tag", version.digest, tag)
        if tag not in self.storage.tags:
            self.storage.retag(tag, version.digest)
        return Digest(self.storage.tags[tag])

    def land(self, digest: str) -> None:
        """Carry out a deletion whose answer was lost, now that nobody expects it."""
        if stored := self.storage.live.get(digest):
            self._remove(stored)

    def _remove(self, stored: Stored) -> None:
        self.storage.remove(stored.digest)
        self.removed.append(stored.digest)

    def _pages(self, rows: Sequence[Stored]) -> Listing:
        seen = self._clock() - timedelta(seconds=self.lag)
        shown = [
            replace(stored, tags={tag for tag in stored.tags if self._moved_at(tag) <= seen})
            for stored in rows
            if not self.lag or stored.pushed <= seen
        ]
        shown = [stored for stored in shown if self.closed or stored.tags]
        watermark = str(max((stored.id for stored in shown), default=0)) if self.closed else ""
        pages = max(1, -(-len(shown) // self._page))
        self.sent += pages - 1
        versions = tuple(map(self._version, shown))
        return Listing(versions, self.closed, pages, watermark, self.visibility)

    def _moved_at(self, tag: str) -> datetime:
        return self.storage.moved_at.get(tag, datetime.min.replace(tzinfo=UTC))

    def _version(self, stored: Stored) -> Version:
        digest, tags = Digest(stored.digest), tuple(sorted(map(Tag, stored.tags)))
        if self.closed:
            return Version(digest, tags, id=str(stored.id), pushed=stored.pushed)
        return Version(digest, tags)

    def _find(self, version: Version) -> Stored | None:
        """Find a version by id where there are ids, so that a digest pushed anew is another."""
        stored = self.storage.live.get(version.digest)
        same = stored and (not self.closed or str(stored.id) == version.id)
        return stored if same else None

    def _document(self, digest: Digest) -> Manifest | None:
        if digest not in self._cache:
            self.sent += 1
            self.fetched.append(digest)
            stored = self.storage.live.get(digest)
            if stored is None:
                return None
            document = stored.document
            self._cache[digest] = parse_manifest(digest, document.media_type, document.content)
        return self._cache[digest]

    def _referring(self, digest: Digest) -> Iterator[Digest]:
        for stored in self.storage.live.values() if self._referrers else ():
            if _subject(stored.document.content) == digest:
                yield Digest(stored.digest)

    def _claimed(self, manifest: Manifest) -> datetime | None:
        config = self.storage.blobs.get(manifest.config.digest) if manifest.config else None
        words = manifest.created or json.loads(config or b"{}").get("created")
        return datetime.fromisoformat(words).astimezone(UTC) if words else None

    def _refusal(self, stored: Stored) -> str:
        """Say why the registry keeps a version; only a closed one has rules of its own."""
        tagged = [other for other in self.storage.live.values() if other.tags]
        if self.closed and tagged == [stored]:
            return LAST_TAGGED
        return self.refuses.get(stored.digest, "")


@lru_cache(maxsize=4096)
def _subject(content: bytes) -> str:
    """Read from raw bytes which digest a document refers to, empty for none."""
    subject = json.loads(content).get("subject") or {}
    return str(subject.get("digest", ""))
