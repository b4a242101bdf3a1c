"""Read GitHub Container Registry: versions through the REST API, documents from the registry."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

import structlog

from reconciler.errors import (
    AccessError,
    EvidenceError,
    InvalidNameError,
    PolicyError,
    ProtocolError,
)
from reconciler.model.inventory import Fact, Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import TOGETHER, Allowance, Capabilities, Effort, Job, Listing
from reconciler.providers.documents import read_creation
from reconciler.providers.ghcr.api import GhcrConnection
from reconciler.providers.ghcr.errors import Need, failure, missing_scopes, says_no_version
from reconciler.providers.ghcr.listing import (
    PARALLEL_PAGES,
    ListingRead,
    Remembered,
    VersionPages,
    read_whole,
)
from reconciler.providers.ghcr.packages import Packages
from reconciler.providers.ghcr.pages import PAGE_SIZE
from reconciler.providers.ghcr.recent import Places, read_newest
from reconciler.providers.ghcr.rows import package_of, version_of, versions_of
from reconciler.transport.limits import READ_POINTS, WRITE_POINTS
from reconciler.transport.parallel import gather
from reconciler.transport.replies import pages

_BEFORE = 3
"""Reads before anything is deleted: the package, the first page again, the right to delete."""

RESTORABLE = timedelta(days=30)
"""How long GitHub holds a deletion. Source: GitHub, "Deleting and restoring a package"."""

log = structlog.get_logger()


class GhcrReader:
    """A `RegistryReader` of GitHub's packages; it has no way to change them."""

    capabilities = Capabilities(frozenset(Fact), undo=True, undo_for=RESTORABLE)

    def __init__(self, connection: GhcrConnection) -> None:
        """Read through a connection."""
        self._connection = connection
        self._api = connection.api
        self._packages = Packages(connection.api)
        self._remembered = Remembered()
        self._places: dict[Repository, Places] = {}

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._connection.requests

    @property
    def allowance(self) -> Allowance:
        """What the API's limits leave, as of its last answer."""
        budget = self._connection.budget
        left = budget.quota.remaining if budget.quota else None
        return Allowance(budget.per_minute / WRITE_POINTS, left)

    def effort(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
        job: Job,
    ) -> Effort:
        """Estimate by the points that requests cost, or by what answers took, if that is more.

        A look takes the newest page, the page where what follows stands, and each image.
        """
        looks = ceil(job.deletions / TOGETHER)
        reads = job.pages + _BEFORE + 2 * looks + job.images
        points = reads * READ_POINTS + job.deletions * WRITE_POINTS
        answers = self._api.client.latency * (job.deletions + 2 * looks + job.pages)
        seconds = max(points / self._connection.budget.per_minute * 60.0, answers)
        return Effort(reads + job.deletions + job.unread, seconds)

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def server_time(self) -> datetime | None:
        """The API's own clock as of its last answer."""
        return self._api.client.server_time

    def repositories(self, glob: RepositoryGlob) -> Sequence[Repository]:
        """List the packages a pattern names; one without wildcard needs no request.

        Raises: AccessError, when the token may not list packages.
        """
        if glob.literal:
            return [glob.literal]
        owner = glob.partition("/")[2].partition("/")[0]
        if "*" in owner:
            raise PolicyError(
                f"{glob}: on GitHub the owner cannot be a pattern",
                hint=f"Write {glob.registry}/OWNER/*, one for each owner.",
            )
        return sorted(filter(glob.matches, self._owned(glob.registry, owner)))

    def listing(self, repository: Repository) -> Listing:
        """List every version of a package.

        Raises: EvidenceError, when the list changed under every read, or GitHub counts more
            versions than it names and has deleted.
        """
        path = self._packages.path(repository)
        package = package_of(self._api.read(path))
        reading = read_whole(VersionPages(self._api, self._remembered, path).fetch, repository)
        doubt = self._doubt(repository, reading, package.version_count)
        if reading.unnamed:
            # Kept, since nobody can read it; it can be deleted by hand only.
            log.warning("version_name_is_no_digest", repository=repository, ids=[*reading.unnamed])
        self._places[repository] = Places(reading.places)
        versions = tuple(reading.versions.values())
        listing = _listing(repository, versions, pages=reading.head.last, closed=True)
        return replace(listing, visibility=package.visibility, doubt=doubt)

    def newest(self, repository: Repository, watermark: str) -> Listing:
        """List the newest versions, back to one that was there when the watermark was taken."""
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
        """Look at images one by one, and at untagged followers on their page of the listing.

        Whoever sets a tag sets it on an image, and a listing may show that late. A follower
        without a tag goes with its image, so that its page will do: one read for many of them.
        """
        path = self._packages.path(repository)
        fetch = VersionPages(self._api, self._remembered, path).fetch
        listed = self._places.get(repository, Places()).standing(
            self._on_pages(versions, followers), fetch
        )
        asked = {version.id: version for version in versions if version.id not in listed}
        found = gather(
            lambda number: self.version(repository, asked[number]), asked, workers=PARALLEL_PAGES
        )
        seen = [listed.get(version.id) or found.get(version.id) for version in versions]
        return {version.digest: version for version in seen if version}

    def version(self, repository: Repository, version: Version) -> Version | None:
        """Look at one version now; None when GitHub lacks it.

        Raises: AccessError, when it is the package that GitHub does not show.
        """
        response = self._api.get(self._version_path(repository, version))
        if response.status_code == 404:
            if not says_no_version(response):
                self._api.read(self._packages.path(repository))
            return None
        if response.status_code != 200:
            raise failure(response, self._api.kind, Need.READ)
        found = version_of(response)
        if (found.id, found.digest) != (version.id, version.digest):
            raise ProtocolError(f"{repository}: asked for version {version.id}, got another one")
        return found

    def deleted(self, repository: Repository) -> Sequence[Version]:
        """List the deleted versions that GitHub still holds, with the tags they had.

        Raises: AccessError, for whoever does not administer the package.
        """
        first = f"{self._packages.path(repository)}/versions?state=deleted&per_page={PAGE_SIZE}"
        read = pages(lambda url: self._api.read(url, Need.RESTORE), first)
        found = {version.id: version for response in read for version in versions_of(response)}
        return tuple(found.values())

    def check_deletion(self, repository: Repository) -> None:
        """Prove, as far as reading can, that deletion is possible here.

        Deleted versions are shown to administrators of a package only, who alone may delete.

        Raises: AccessError, saying what is missing.
        """
        path = f"{self._packages.path(repository)}/versions?state=deleted&per_page=1"
        response = self._api.read(path, Need.DELETE)
        if missing := missing_scopes(response, Need.DELETE):
            raise AccessError(
                f"{repository}: the token may read, and may not delete",
                hint=f"Give the classic personal token {' and '.join(missing)}.",
            )

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return a call of GitHub's own client, which knows its user's token."""
        return f"gh api --method DELETE {self._version_path(repository, version)}"

    def manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, Manifest | None]:
        """Read and verify many documents, in parallel; None for one the registry lacks."""
        return self._connection.documents.manifests(repository, digests)

    def documents(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[str, bytes] | None]:
        """Read many manifests as they were pushed, verified; None for one the registry lacks."""
        return self._connection.documents.documents(repository, digests)

    def blobs(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bytes | None]:
        """Read and verify many small blobs; None for one the registry lacks."""
        return self._connection.documents.blobs(repository, digests)

    def present(self, repository: Repository, digests: Iterable[Digest]) -> Mapping[Digest, bool]:
        """Ask for many digests whether the registry has them."""
        return self._connection.documents.present(repository, digests)

    def blobs_present(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bool]:
        """Ask for many blobs whether the registry has them, in parallel; no layer is read."""
        return self._connection.documents.blobs_present(repository, digests)

    def unread(self, digests: Iterable[Digest]) -> Sequence[Digest]:
        """Tell which documents the cache lacks."""
        return self._connection.documents.unread(digests)

    def referrers(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
        digests: Iterable[Digest],
    ) -> Mapping[Digest, tuple[Digest, ...]]:
        """Name none: GitHub has no such endpoint, and what it answers may redirect elsewhere."""
        return dict.fromkeys(digests, ())

    def created(
        self, repository: Repository, manifests: Iterable[Manifest]
    ) -> Mapping[Digest, datetime | None]:
        """Read when each image says it was built."""
        return read_creation(self._connection.documents, repository, manifests)

    def _reads(
        self, repository: Repository, versions: Sequence[Version], followers: Set[Digest]
    ) -> int:
        """Count what a look at the newest versions and at these will take, as a rule."""
        on_pages = self._on_pages(versions, followers)
        pages = self._places.get(repository, Places()).pages_of(on_pages)
        return 1 + len(pages) + len(versions) - sum(map(len, pages.values()))

    @staticmethod
    def _on_pages(versions: Sequence[Version], followers: Set[Digest]) -> list[Version]:
        return [version for version in versions if version.digest in followers and not version.tags]

    def _owned(self, host: str, owner: str) -> Iterator[Repository]:
        for package in self._packages.of(owner):
            # No pattern matches a name that is none, so leaving it out hides nothing.
            with suppress(InvalidNameError):
                yield Repository(f"{host}/{owner}/{package.name}")

    def _doubt(self, repository: Repository, reading: ListingRead, counted: int) -> str:
        """Hold a reading against GitHub's own count; tell why it cannot be explained, if not.

        Whether that counts deleted versions is not documented, so either sum will do. It is asked
        for twice, since versions may have been deleted in between. Deleted versions are shown to
        whoever may delete: without that right the doubt stays, and with it nothing goes.

        Raises: EvidenceError, when there are versions that GitHub counts and does not show.
        """
        listed = len(reading.versions) + len(reading.unnamed)
        if counted <= listed:
            return ""
        says = f"GitHub counts {counted} versions and lists {listed}"
        if not (listed and reading.is_whole()):
            raise EvidenceError(f"{repository}: {says}, on pages that do not add up")
        try:
            deleted = len(self.deleted(repository))
        except AccessError:
            return f"{says}; with this token nobody can see whether the others are deleted"
        again = package_of(self._api.read(self._packages.path(repository))).version_count
        if counted == listed + deleted or again <= listed or again == listed + deleted:
            return ""
        raise EvidenceError(
            f"{repository}: {says}, and {deleted} were deleted: it does not show the others",
            hint="Nothing was deleted in this repository. Run again later, since a count may lag"
            " behind. If it stays so, ask GitHub's support: a hidden index may need any version.",
        )

    def _version_path(self, repository: Repository, version: Version) -> str:
        """Return the path of one version, which GitHub knows by its number only."""
        if not version.id.isdecimal():
            raise ProtocolError(f"{repository}@{version.digest}: {version.id!r} is no version id")
        return f"{self._packages.path(repository)}/versions/{version.id}"


def _listing(
    repository: Repository, versions: tuple[Version, ...], *, pages: int, closed: bool
) -> Listing:
    """Build a listing, of which the greatest id is the watermark.

    Raises: ProtocolError, when two versions have one digest: then neither can be trusted.
    """
    if len({version.digest for version in versions}) != len(versions):
        raise ProtocolError(f"{repository}: the list names one digest under two ids")
    newest = max((int(version.id) for version in versions), default=0)
    return Listing(versions, closed=closed, pages=pages, watermark=str(newest))
