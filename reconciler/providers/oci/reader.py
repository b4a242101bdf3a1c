"""Read any OCI registry: tags from its lists, everything else by digest.

Source: OCI distribution-spec v1.1.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from math import ceil

import httpx

from reconciler.errors import ReconcilerError
from reconciler.model.durations import FRESH_SECONDS
from reconciler.model.effort import TOGETHER, Allowance, Effort, Job, Rereads
from reconciler.model.inventory import Fact, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import Capabilities, Listing
from reconciler.providers.documents import DocumentReader
from reconciler.providers.oci.errors import Action, failure
from reconciler.providers.oci.lists import Catalogue, Referrers, Tags
from reconciler.providers.oci.rounds import SLOWER, Rounds, TagReading
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client
from reconciler.transport.credentials import Credentials, anonymous
from reconciler.transport.parallel import WORKERS
from reconciler.transport.tokens import repository_in

_FACTS = frozenset(Fact) - {Fact.PUSHED}
"""The specification has no time of a push."""


class OciReader:
    """A `RegistryReader` of the OCI specification; it has no method that changes anything."""

    def __init__(
        self, client: Client, cache: ManifestCache, credentials: Credentials = anonymous
    ) -> None:
        """Read through a client; `credentials` are what it authenticates with, for errors."""
        self._client = client
        self._credentials = credentials
        self.documents = DocumentReader(client, cache, self._refusal)
        self._tags = Tags(client, self._refusal)
        self._referrers = Referrers(client, self._refusal)
        self._readings: dict[Repository, TagReading] = {}
        self._rounds: dict[Repository, Rounds] = {}
        self._catalogue = Catalogue(client, lambda: self._credentials(""))

    @property
    def capabilities(self) -> Capabilities:
        """What this registry can do, as far as its responses showed."""
        return Capabilities(
            _FACTS,
            undo=False,
            referrers=self._referrers.supported,
            deletions_at_once=WORKERS,
        )

    @property
    def allowance(self) -> Allowance:
        """No limits: the specification has no way to announce them."""
        return Allowance()

    def effort(self, repository: Repository, job: Job) -> Effort:
        """Estimate from the last reading of all tags: their number, and how long it took.

        How long a DELETE takes is not known: it is taken for as long as a read.
        """
        # Once after the listing, each version is read before its deletion. Meanwhile rounds read
        # the tags that remain, which are half of the deleted ones fewer on average.
        reading = self._readings.get(repository)
        tags = len(reading.targets) if reading else 0
        tagged = len(reading.tags) if reading else 0
        round_seconds = reading.ended - reading.began if reading else 0.0
        looks = ceil(job.deletions / (TOGETHER * WORKERS)) * job.pages
        asked = job.versions if self._referrers.supported else 0
        before = 1 + job.pages + tags + max(job.versions - tagged, 0) + asked + job.unread
        # Deletions go at the same time as reads do, and each follows a read.
        requests = before + 2 * job.deletions + looks
        seconds = requests * (round_seconds / tags if tags else self._client.latency)
        window = FRESH_SECONDS + 2 * round_seconds
        every = window - SLOWER * round_seconds
        remaining = max(tags - job.deletions, 0)
        requests += int(seconds / every) * (tags + remaining) // 2
        return Effort(requests, seconds, window, Rereads(tags, every))

    def requests(self, repository: Repository) -> int:
        """Return how many requests got what they asked for about a repository."""
        return self.documents.requests(repository)

    def server_time(self) -> datetime | None:
        """The registry's own clock as of its last response."""
        return self._client.server_time

    def repositories(self, glob: RepositoryGlob) -> Sequence[Repository]:
        """List the repositories that match a pattern; one without wildcard needs no request.

        Raises: AccessError or ProtocolError, when the registry does not list its repositories.
        """
        if glob.literal:
            return [glob.literal]
        return sorted(filter(glob.matches, self._catalogue.of(glob.registry)))

    def listing(self, repository: Repository) -> Listing:
        """List every tagged version; untagged ones are found through indexes and referrers.

        Raises: EvidenceError, when the list of tags is incomplete.
        """
        began = self._client.monotonic()
        listing = self._tags.listing(repository)
        if self._catalogue.knows(repository):
            # The repository exists without a tag: some registries report it as unknown then.
            listing = replace(listing, unknown=False)
        targets = {tag: version.digest for version in listing.versions for tag in version.tags}
        self._readings[repository] = TagReading(targets, began, self._client.monotonic())
        return listing

    def newest(
        self,
        repository: Repository,
        watermark: str,  # noqa: ARG002 - the port has it
    ) -> Listing:
        """List all tagged versions: the specification cannot list only new ones.

        Inside `watching`, known tags are returned as the last round read them.
        """
        rounds = self._rounds.get(repository)
        return rounds.listing() if rounds else self.listing(repository)

    def look(
        self,
        repository: Repository,
        versions: Sequence[Version],
        followers: Set[Digest] = frozenset(),  # noqa: ARG002 - the port has it
    ) -> Mapping[Digest, Version]:
        """Read several versions and their tags now; absent versions are left out.

        Read are the tags that they are known to have, from the caller and from the last listing;
        a version that no tag points to any more is requested by its digest. A tag that was added
        after that listing is missed: a registry does not list the tags of a digest.
        """
        rounds = self._rounds.get(repository)
        reading = rounds.last if rounds else self._readings.get(repository)
        known = reading.tags if reading else {}
        asked = {
            tag: None
            for version in versions
            for tag in (*version.tags, *known.get(version.digest, ()))
        }
        targets = self._tags.targets(repository, asked)
        tagged = set(targets.values())
        present = self.documents.present(
            repository, [v.digest for v in versions if v.digest not in tagged]
        )
        return {
            version.digest: replace(
                version,
                tags=tuple(
                    sorted(tag for tag, digest in targets.items() if digest == version.digest)
                ),
            )
            for version in versions
            if present.get(version.digest, True)
        }

    def version(self, repository: Repository, version: Version) -> Version | None:
        """Read one version and its tags now; None if it does not exist."""
        return self.look(repository, [version]).get(version.digest)

    def deleted(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
    ) -> Sequence[Version]:
        """List nothing: the specification has no way to restore."""
        return ()

    def check_deletion(self, repository: Repository) -> None:
        """Do nothing: only a DELETE shows whether a registry deletes."""

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return a command that deletes by digest, which removes all tags that point to it."""
        return f"skopeo delete docker://{repository}@{version.digest}"

    def referrers(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[Digest, ...]]:
        """List the referrers of each digest; empty if the registry has no such endpoint."""
        return self._referrers.of(repository, digests)

    def _refusal(self, response: httpx.Response) -> ReconcilerError:
        """Build the error for an unexpected response to a read."""
        credential = self._credentials(repository_in(response.request.url.path))
        return failure(response, Action.PULL, credential)
