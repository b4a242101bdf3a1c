"""Read GitHub Container Registry: versions from the REST API, documents from the registry."""

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from reconciler.errors import (
    AccessError,
    EvidenceError,
    InvalidNameError,
    PolicyError,
    ProtocolError,
)
from reconciler.events import log
from reconciler.github.client import failure
from reconciler.model.effort import TOGETHER, Allowance, Effort, Job
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import Capabilities, Listing
from reconciler.providers.ghcr.api import GhcrConnection, Packages
from reconciler.providers.ghcr.errors import Need, is_version_absent, missing_scopes
from reconciler.providers.ghcr.listing import (
    PARALLEL_PAGES,
    ListingRead,
    PageCache,
    VersionPages,
    read_whole,
)
from reconciler.providers.ghcr.pages import PAGE_SIZE, PagePositions, read_newest
from reconciler.providers.ghcr.rows import package_of, version_of, versions_of
from reconciler.transport.limits import READ_POINTS, WRITE_POINTS

_PREPARATION_READS = 3
"""Requests before the first deletion: the package, the first page again, the right to delete."""

RESTORABLE = timedelta(days=30)
"""How long a deleted version can be restored.

Source: GitHub, "Deleting and restoring a package".
"""


class GhcrReader:
    """A `RegistryReader` of GitHub's packages; it has no method that changes them."""

    capabilities = Capabilities(frozenset(Fact), undo=True, undo_for=RESTORABLE)

    def __init__(self, connection: GhcrConnection) -> None:
        """Read through a connection."""
        self._connection = connection
        self._api = connection.api
        self.documents = connection.documents
        self._packages = Packages(connection.api)
        self._remembered = PageCache()
        self._positions: Mapping[Repository, PagePositions] = {}
        """Empty here: only before a deletion are versions read again by their page."""

    def requests(self, repository: Repository) -> int:
        """Return how many requests got what they asked for about a package, at both servers."""
        api = self._api.http.successes(self._packages.path(repository))
        return api + self.documents.requests(repository)

    @property
    def allowance(self) -> Allowance:
        """What the API's limits allow, as of its last response."""
        budget = self._api.budget
        remaining = budget.quota.remaining if budget.quota else None
        return Allowance(budget.per_minute / WRITE_POINTS, remaining)

    def effort(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
        job: Job,
    ) -> Effort:
        """Estimate by the points that requests cost, or by the latency, if that takes longer."""
        # A look reads the newest page, the page of the untagged companions, and each image.
        looks = ceil(job.deletions / TOGETHER)
        reads = job.pages + _PREPARATION_READS + 2 * looks + job.images
        points = reads * READ_POINTS + job.deletions * WRITE_POINTS
        answers = self._api.http.latency * (job.deletions + 2 * looks + job.pages)
        seconds = max(points / self._api.budget.per_minute * 60.0, answers)
        return Effort(reads + job.deletions + job.unread, seconds)

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def server_time(self) -> datetime | None:
        """The API's own clock as of its last response."""
        return self._api.http.server_time

    def repositories(self, glob: RepositoryGlob) -> Sequence[Repository]:
        """List the packages that match a pattern; one without wildcard needs no request.

        Raises: AccessError, when the token may not list packages.
        """
        if glob.literal:
            return [glob.literal]
        owner = glob.partition("/")[2].partition("/")[0]
        if "*" in owner:
            raise PolicyError(
                f"{glob}: the owner of GitHub packages cannot be a pattern",
                hint=f"Write {glob.registry}/OWNER/*, once for each owner.",
            )
        repositories: list[Repository] = []
        for package in self._packages.of(owner):
            # No pattern matches an invalid name, so leaving it out hides nothing.
            with suppress(InvalidNameError):
                repositories.append(Repository(f"{glob.registry}/{owner}/{package.name}"))
        return sorted(filter(glob.matches, repositories))

    def listing(self, repository: Repository) -> Listing:
        """List every version of a package.

        Raises: EvidenceError, when the list changed during every read, or GitHub reports more
            versions than it lists as active and deleted.
        """
        return self._list(repository)[0]

    def _list(self, repository: Repository) -> tuple[Listing, ListingRead]:
        """List every version, and return the pages as well."""
        path = self._packages.path(repository)
        package = package_of(self._api.read(path, Need.READ))
        reading = read_whole(VersionPages(self._api, self._remembered, path).fetch, repository)
        doubt = self._count_mismatch(repository, reading, package.version_count)
        if reading.unnamed:
            # Kept, since without a digest there is no manifest to read; a user can delete it.
            log.warning("version_name_is_no_digest", repository=repository, ids=[*reading.unnamed])
        versions = tuple(reading.versions.values())
        listing = _listing(repository, versions, pages=reading.head.last, closed=True)
        return replace(listing, visibility=package.visibility, doubt=doubt), reading

    def newest(self, repository: Repository, watermark: str) -> Listing:
        """List the newest versions, back to one that existed when the watermark was taken."""
        path = self._packages.path(repository)
        fetch = VersionPages(self._api, self._remembered, path).fetch
        read = read_newest(fetch, int(watermark or 0), repository)
        versions = {version.id: version for page in read for version in page.versions}
        return _listing(repository, tuple(versions.values()), pages=len(read), closed=False)

    def look(
        self,
        repository: Repository,
        versions: Sequence[Version],
        followers: Set[Digest] = frozenset(),
    ) -> Mapping[Digest, Version]:
        """Read images one by one, and untagged followers from their page of the listing."""
        # A push sets a tag on an image, and a listing may show that late, so each image is read
        # by itself. A follower without a tag is deleted only because its image is, so that its
        # page of the listing is enough: one read for many of them.
        path = self._packages.path(repository)
        fetch = VersionPages(self._api, self._remembered, path).fetch
        listed = self._positions.get(repository, PagePositions()).reread(
            self._on_pages(versions, followers), fetch
        )
        asked = {version.id: version for version in versions if version.id not in listed}
        single = self._api.http.workers.gather(
            lambda number: self.version(repository, asked[number]), asked, PARALLEL_PAGES
        )
        current = [listed.get(version.id) or single.get(version.id) for version in versions]
        return {version.digest: version for version in current if version}

    def version(self, repository: Repository, version: Version) -> Version | None:
        """Read one version now; None if it does not exist.

        Raises: AccessError, when the token may not see the package.
        """
        response = self._api.get(self._version_path(repository, version))
        if response.status_code == 404:
            if not is_version_absent(response):
                # GitHub answers 404 also for a package that the token may not see: then this fails.
                self._api.read(self._packages.path(repository), Need.READ)
            return None
        if response.status_code != 200:
            raise failure(response, self._api.kind, Need.READ)
        current = version_of(response)
        if (current.id, current.digest) != (version.id, version.digest):
            raise ProtocolError(
                f"{repository}: GitHub returned another version than the requested {version.id}"
            )
        return current

    def deleted(self, repository: Repository) -> Sequence[Version]:
        """List the deleted versions that can be restored, with the tags they had.

        Raises: AccessError, when the token's owner does not administer the package.
        """
        first = f"{self._packages.path(repository)}/versions?state=deleted&per_page={PAGE_SIZE}"
        responses = self._api.pages(first, Need.RESTORE)
        versions = {
            version.id: version for response in responses for version in versions_of(response)
        }
        return tuple(versions.values())

    def check_deletion(self, repository: Repository) -> None:
        """Check, without deleting anything, that the token may delete versions of a package.

        GitHub lists deleted versions only to administrators of a package, who alone may delete.

        Raises: AccessError, naming the missing right.
        """
        path = f"{self._packages.path(repository)}/versions?state=deleted&per_page=1"
        response = self._api.read(path, Need.DELETE)
        if missing := missing_scopes(response, Need.DELETE):
            raise AccessError(
                f"{repository}: the token may read, but not delete",
                hint=f"Give the classic personal token {' and '.join(missing)}.",
            )

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return a command of GitHub's own client, which has its user's token."""
        return f"gh api --method DELETE {self._version_path(repository, version)}"

    def referrers(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
        digests: Iterable[Digest],
    ) -> Mapping[Digest, tuple[Digest, ...]]:
        """Return none: ghcr.io has no referrers endpoint, and may redirect the request."""
        return dict.fromkeys(digests, ())

    def _reads(
        self, repository: Repository, versions: Sequence[Version], followers: Set[Digest]
    ) -> int:
        """Estimate how many requests a look at the newest versions and at these takes."""
        on_pages = self._on_pages(versions, followers)
        pages = self._positions.get(repository, PagePositions()).pages_of(on_pages)
        return 1 + len(pages) + len(versions) - sum(map(len, pages.values()))

    @staticmethod
    def _on_pages(versions: Sequence[Version], followers: Set[Digest]) -> list[Version]:
        return [version for version in versions if version.digest in followers and not version.tags]

    def _count_mismatch(self, repository: Repository, reading: ListingRead, counted: int) -> str:
        """Compare a reading with GitHub's own count; return why they differ, empty if explained.

        A reason means that versions may be missing, and then nothing may be deleted.

        Raises: EvidenceError, when GitHub reports versions that it does not list.
        """
        listed = len(reading.versions) + len(reading.unnamed)
        if counted <= listed:
            return ""
        mismatch = f"GitHub reports {counted} versions, but lists {listed}"
        if not (listed and reading.is_whole()):
            raise EvidenceError(f"{repository}: {mismatch}, and the pages are inconsistent")
        try:
            deleted = len(self.deleted(repository))
        except AccessError:
            # GitHub lists deleted versions only to those who may delete.
            return f"{mismatch}; this token may not see whether the others are deleted"
        # GitHub does not document whether the count includes deleted versions, so either sum is
        # accepted. It is read again, since versions may have been deleted in between.
        again = package_of(self._api.read(self._packages.path(repository), Need.READ)).version_count
        if counted == listed + deleted or again <= listed or again == listed + deleted:
            return ""
        raise EvidenceError(
            f"{repository}: {mismatch}, and {deleted} as deleted: the others are hidden",
            hint="Nothing was deleted in this repository. Run again later, since the count may lag"
            " behind. If the difference remains, ask GitHub's support: a hidden index may refer to"
            " any version.",
        )

    def _version_path(self, repository: Repository, version: Version) -> str:
        """Return the path of one version, which GitHub identifies by its number."""
        if not version.id.isdecimal():
            raise ProtocolError(f"{repository}@{version.digest}: invalid version id {version.id!r}")
        return f"{self._packages.path(repository)}/versions/{version.id}"


def _listing(
    repository: Repository, versions: tuple[Version, ...], *, pages: int, closed: bool
) -> Listing:
    """Build a listing, whose watermark is the greatest id.

    Raises: ProtocolError, when two versions have one digest: then neither can be trusted.
    """
    if len({version.digest for version in versions}) != len(versions):
        raise ProtocolError(f"{repository}: the list has the same digest under two ids")
    newest = max((int(version.id) for version in versions), default=0)
    return Listing(versions, closed=closed, pages=pages, watermark=str(newest))
