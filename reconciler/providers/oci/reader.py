"""Read any OCI registry: it lists tags; everything else is asked for by digest.

Source: OCI distribution-spec v1.1.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from math import ceil

import httpx

from reconciler.errors import ReconcilerError
from reconciler.model.inventory import Fact, Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import (
    FRESH_SECONDS,
    TOGETHER,
    Allowance,
    Capabilities,
    Effort,
    Job,
    Listing,
)
from reconciler.providers.documents import Documents, read_creation
from reconciler.providers.oci.errors import Action, failure
from reconciler.providers.oci.lists import Catalogue, Referrers, Tags
from reconciler.providers.oci.rounds import Reading, Rounds
from reconciler.transport.cache import ManifestCache
from reconciler.transport.client import Client
from reconciler.transport.credentials import Credentials, anonymous
from reconciler.transport.tokens import repository_in

_FACTS = frozenset(Fact) - {Fact.PUSHED}
"""No registry of this kind tells when something was pushed."""


class OciReader:
    """A `RegistryReader` of the OCI specification; it has no way to change anything."""

    def __init__(
        self, client: Client, cache: ManifestCache, credentials: Credentials = anonymous
    ) -> None:
        """Read through a client; `credentials` are what it authenticates with, to be named."""
        self._client = client
        self._credentials = credentials
        self._documents = Documents(client, cache, self._refusal)
        self._tags = Tags(client, self._refusal)
        self._referrers = Referrers(client, self._refusal)
        self._readings: dict[Repository, Reading] = {}
        self._rounds: dict[Repository, Rounds] = {}
        self._catalogue = Catalogue(client, lambda: self._credentials(""))

    @property
    def capabilities(self) -> Capabilities:
        """Tell what this registry can do, as far as it has shown."""
        return Capabilities(_FACTS, undo=False, referrers=self._referrers.supported)

    @property
    def allowance(self) -> Allowance:
        """Tell no limits: a plain registry has no way to say them."""
        return Allowance()

    def effort(self, repository: Repository, job: Job) -> Effort:
        """Estimate from the last reading of all tags: how many there are, and how long it took.

        Each version is asked for once when it is looked at, and deleted; rounds read the tags
        that are left meanwhile.
        """
        reading = self._readings.get(repository)
        tags = len(reading.targets) if reading else 0
        tagged = len(reading.tags) if reading else 0
        round_seconds = reading.ended - reading.began if reading else 0.0
        looks = ceil(job.deletions / TOGETHER)
        asked = job.versions if self._referrers.supported else 0
        before = 1 + tags + max(job.versions - tagged, 0) + asked + job.unread
        per_request = round_seconds / tags if tags else self._client.latency
        seconds = before * per_request + job.deletions * (self._client.latency + per_request)
        rounds = 1 + int(seconds / max(FRESH_SECONDS, round_seconds))
        left = max(tags - job.deletions, 0)
        requests = before + 2 * job.deletions + looks + rounds * (tags + left) // 2
        return Effort(requests, seconds, FRESH_SECONDS + 2 * round_seconds)

    @property
    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._client.requests

    def server_time(self) -> datetime | None:
        """The registry's own clock as of its last answer."""
        return self._client.server_time

    def repositories(self, glob: RepositoryGlob) -> Sequence[Repository]:
        """List the repositories a pattern names; one without wildcard needs no request.

        Raises: AccessError or ProtocolError, when the registry shows no catalogue.
        """
        if glob.literal:
            return [glob.literal]
        return sorted(filter(glob.matches, self._catalogue.of(glob.registry)))

    def listing(self, repository: Repository) -> Listing:
        """List every tagged version; untagged ones are found by following and by asking.

        Raises: EvidenceError, when a tag points to nothing, or the list is not whole.
        """
        began = self._client.monotonic()
        listing = self._tags.listing(repository)
        if self._catalogue.knows(repository):
            # It is there, without a tag: some registries say then that they do not know it.
            listing = replace(listing, unknown=False)
        targets = {tag: version.digest for version in listing.versions for tag in version.tags}
        self._readings[repository] = Reading(targets, began, self._client.monotonic())
        return listing

    def newest(
        self,
        repository: Repository,
        watermark: str,  # noqa: ARG002 - the port has it
    ) -> Listing:
        """List all tagged versions: nothing here tells new ones from old ones.

        While deletions are `watching`, tags that were known stand as the last round saw them.
        """
        rounds = self._rounds.get(repository)
        return rounds.listing() if rounds else self.listing(repository)

    def look(
        self,
        repository: Repository,
        versions: Sequence[Version],
        followers: Set[Digest] = frozenset(),  # noqa: ARG002 - the port has it
    ) -> Mapping[Digest, Version]:
        """Look at several versions and their tags now; what the registry lacks is left out.

        Asked are the tags that they are known by, here and in the last listing; a version that
        none of them leads to is asked for itself. A tag that came to one after that listing is
        not seen: a registry does not tell what points to a digest.
        """
        asked = {
            tag: None
            for version in versions
            for tag in (*version.tags, *self._known(repository, version))
        }
        targets = self._tags.targets(repository, asked)
        tagged = set(targets.values())
        present = self.present(repository, [v.digest for v in versions if v.digest not in tagged])
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
        """Look at one version and its tags now; None when the registry lacks it."""
        return self.look(repository, [version]).get(version.digest)

    def deleted(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
    ) -> Sequence[Version]:
        """List nothing: what is deleted here is gone."""
        return ()

    def check_deletion(self, repository: Repository) -> None:
        """Prove nothing: whether a registry deletes shows only when it is asked to."""

    def deletion_command(self, repository: Repository, version: Version) -> str:
        """Return a call of a client that deletes by digest, with all tags that point to it."""
        return f"skopeo delete docker://{repository}@{version.digest}"

    def manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, Manifest | None]:
        """Read and verify many documents, in parallel; None for one the registry lacks."""
        return self._documents.manifests(repository, digests)

    def documents(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[str, bytes] | None]:
        """Read many manifests as they were pushed, verified; None for one the registry lacks."""
        return self._documents.documents(repository, digests)

    def blobs(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bytes | None]:
        """Read and verify many small blobs; None for one the registry lacks."""
        return self._documents.blobs(repository, digests)

    def present(self, repository: Repository, digests: Iterable[Digest]) -> Mapping[Digest, bool]:
        """Ask for many digests whether the registry has them, in parallel, without a cache."""
        return self._documents.present(repository, digests)

    def blobs_present(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, bool]:
        """Ask for many blobs whether the registry has them, in parallel; no layer is read."""
        return self._documents.blobs_present(repository, digests)

    def unread(self, digests: Iterable[Digest]) -> Sequence[Digest]:
        """Tell which documents the cache lacks."""
        return self._documents.unread(digests)

    def referrers(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> Mapping[Digest, tuple[Digest, ...]]:
        """List what refers to each digest; empty where the registry has no such endpoint."""
        return self._referrers.of(repository, digests)

    def created(
        self, repository: Repository, manifests: Iterable[Manifest]
    ) -> Mapping[Digest, datetime | None]:
        """Read when each image says it was built: its annotation, else its configuration."""
        return read_creation(self._documents, repository, manifests)

    def _known(self, repository: Repository, version: Version) -> Iterable[Tag]:
        """Return the tags that a version had when all tags were last read."""
        rounds = self._rounds.get(repository)
        reading = rounds.last if rounds else self._readings.get(repository)
        return reading.tags.get(version.digest, ()) if reading else ()

    def _refusal(self, response: httpx.Response) -> ReconcilerError:
        """Make the error of an answer to a read that is not what was asked for."""
        credential = self._credentials(repository_in(response.request.url))
        return failure(response, Action.PULL, credential)
