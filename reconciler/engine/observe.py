"""Read one repository: its listing, then as few documents as prove what keeps which version.

Where the listing is complete, about one document for each image is enough: an index is pushed
after its children, so reading untagged versions from the newest back meets the index first; it
claims its children, and what is plainly a platform image or an attestation needs no read of its
own.

Where a registry lists tags only, digests come from tags, indexes, referrers, and from what earlier
runs observed. Each is proven present by the registry itself, never by the cache.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

from reconciler.core.graph import documents_to_read
from reconciler.engine.manifests import creation_times, read_manifests
from reconciler.engine.similar import listing_of, with_similar
from reconciler.errors import EvidenceError, UnknownRepositoryError
from reconciler.model.inventory import Evidence, Fact, Inventory, Observations, Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Listing, RegistryReader

FEWEST_STRETCHES, MOST_STRETCHES = 10, 100
"""How many stretches of time are read in parallel: the number of reads in one round.

Up to several times as many as are read at once, so that these seldom wait for a round to end.
"""

LENGTH = 100
"""Least length of a stretch in versions, where there are enough of them: a cut through a build
costs a few reads, and must not cost many for each image."""

NEARBY = 32
"""By how many versions a stretch may exceed its share, to end where pushing paused."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


def observe(  # noqa: PLR0913 - what is read, what is known of it, and when
    reader: RegistryReader,
    repository: Repository,
    *,
    facts: frozenset[Fact] = frozenset(),
    observations: Observations | None = None,
    opaque: Set[Digest] = frozenset(),
    whole: bool = False,
    admit: Callable[[int], None] = lambda _: None,
) -> Inventory:
    """Read a repository completely, or fail. `facts` names times that cost extra requests.

    Nothing is read from what is declared `opaque`. `whole` reads every other document: then what
    is deleted was read, and so was all that might list it. `admit` is called with the number of
    versions once they are listed.

    Raises: EvidenceError, when anything could not be read whole and verified; AccessError.
    """
    before = reader.requests(repository)
    observations = observations or Observations()
    listing = listing_of(reader, repository)
    admit(len(listing.versions))
    if listing.broken:
        # A tag without a manifest may get it back, with all that it lists.
        raise EvidenceError(
            f"{repository}: these tags are listed, but the registry has no manifest for them:"
            f" {', '.join(listing.broken)}",
            hint="Nothing was deleted in this repository. Run again, in case the registry"
            f" recovers. Else push each anew, say `skopeo copy docker://IMAGE"
            f" docker://{repository}:{listing.broken[0]}`, or delete the tag by hand where the"
            " registry can.",
        )
    # Only before a deletion, since it costs a request for each image that others deleted.
    if whole and listing.closed:
        _confirm_absence(reader, repository, listing, observations.digests.keys() - opaque)
    versions, documents = _read(reader, repository, listing, observations, opaque, whole=whole)
    require_known(
        reader, repository, listing, [version.digest for version in versions], observations
    )
    times = creation_times(reader, repository, documents) if Fact.CREATED in facts else {}
    return Inventory.of(
        repository,
        (remembered(version, documents, times, observations) for version in versions),
        facts=reader.capabilities.facts,
        evidence=Evidence(
            pages=listing.pages,
            requests=reader.requests(repository) - before,
            watermark=listing.watermark,
        ),
        visibility=listing.visibility,
        doubt=listing.doubt,
    )


def require_known(
    reader: RegistryReader,
    repository: Repository,
    listing: Listing,
    versions: Collection[Digest],
    observations: Observations,
) -> None:
    """Make sure that a repository without `versions` is empty, and not unknown to the registry.

    Raises: EvidenceError, when the registry reports that it does not know the repository.
    """
    if not listing.unknown or versions:
        return
    if remembered := len(observations.digests):
        raise EvidenceError(
            f"{repository}: the registry reports that there is no such repository, and the state"
            f" has observations of {remembered} images of it",
            hint="Nothing was deleted. Check that this is the same registry, with its storage"
            " in place. If the repository was removed on purpose, remove it from the policy.",
        )
    raise UnknownRepositoryError(
        f"{repository}: the registry reports that there is no such repository",
        hint=with_similar(
            "Check its name. A repository exists only once a tag was pushed to it: remove it from"
            " the policy until then.",
            reader,
            repository,
        ),
    )


def _read(
    reader: RegistryReader,
    repository: Repository,
    listing: Listing,
    observations: Observations,
    opaque: Set[Digest],
    *,
    whole: bool,
) -> tuple[Collection[Version], Mapping[Digest, Manifest]]:
    if listing.closed:
        survey = ListingObserver(reader, repository, listing.versions, opaque)
        return listing.versions, survey.read_all() if whole else survey.run()
    trail = TagOnlyObserver(reader, repository, listing.versions, opaque=opaque, whole=whole)
    trail.run(observations.digests)
    return trail.versions.values(), trail.documents


def _confirm_absence(
    reader: RegistryReader, repository: Repository, listing: Listing, observed: Set[Digest]
) -> None:
    """Ask one by one for what earlier runs saw and the listing lacks.

    Our own deletions are no longer among the observations, so this is what others deleted since;
    or what a listing hides that lags behind, with everything that it lists.

    Raises: EvidenceError, when the registry still has something that it neither lists nor calls
        deleted; AccessError.
    """
    absent = sorted(observed - {version.digest for version in listing.versions})
    here = [
        digest
        for digest, is_present in reader.documents.present(repository, absent).items()
        if is_present
    ]
    if here:
        # What is served but listed as deleted is no gap in the listing.
        deleted = {version.digest for version in reader.deleted(repository)}
        here = [digest for digest in here if digest not in deleted]
    if here:
        raise EvidenceError(
            f"{repository}: the listing lacks what the registry still has: {', '.join(here)}",
            hint="Nothing was deleted in this repository. Run again later, since a listing may lag"
            " behind. If it stays so and nothing needs them, declare under `protect` of the"
            " policy that nothing is read from them, with `digests: [...]` and `opaque: true`.",
        )


def remembered(
    version: Version,
    documents: Mapping[Digest, Manifest],
    times: Mapping[Digest, datetime],
    observations: Observations,
) -> Version:
    """Add to a version its document, and what earlier runs noted."""
    noted = observations.digests.get(version.digest)
    return replace(
        version,
        manifest=documents.get(version.digest),
        created=times.get(version.digest),
        first_seen=noted.first_seen if noted else None,
        untagged_since=noted.untagged_since if noted and not version.tags else None,
        # Unknown where a tag came after the last run: nothing shows when.
        tagged_since=(
            noted.tagged_since
            if noted and version.tags and not noted.arrived(version.tags)
            else None
        ),
    )


class ListingObserver:
    """What was read so far, and which versions need no reading."""

    def __init__(
        self,
        reader: RegistryReader,
        repository: Repository,
        versions: Sequence[Version],
        opaque: Set[Digest] = frozenset(),
    ) -> None:
        """Start with a listing and nothing read; what is declared `opaque` is never read."""
        self._reader = reader
        self._repository = repository
        self._versions = {
            version.digest: version for version in versions if version.digest not in opaque
        }
        self._documents: dict[Digest, Manifest] = {}
        self._settled: set[Digest] = set()

    def run(self) -> dict[Digest, Manifest]:
        """Read tagged versions, then untagged ones from the newest back.

        Documents that turn out not to be needed are left out, so that the result does not depend
        on the order of the versions.

        Raises: EvidenceError, when a listed version has no document that can be read.
        """
        tagged = {digest for digest, version in self._versions.items() if version.tags}
        untagged = self._versions.keys() - tagged
        # Tagged ones first: what their indexes list needs no read of its own afterwards.
        self._read(sorted(tagged))
        stretches = self._stretches(sorted(untagged, key=self._newest_first, reverse=True))
        while heads := [head for stretch in stretches if (head := self._next(stretch))]:
            self._read(heads)
        # A read document may show that another one is needed, so this repeats until none is.
        needed = documents_to_read(self._versions.keys(), tagged, self._documents)
        while missing := needed - self._documents.keys():
            self._read(sorted(missing))
            needed = documents_to_read(self._versions.keys(), tagged, self._documents)
        return {digest: self._documents[digest] for digest in sorted(needed)}

    def read_all(self) -> dict[Digest, Manifest]:
        """Read every version.

        Raises: EvidenceError, when a listed version has no document that can be read.
        """
        self._read(sorted(self._versions))
        return self._documents

    def _newest_first(self, digest: Digest) -> tuple[datetime, int, Digest]:
        version = self._versions[digest]
        return version.pushed or _OLDEST, int(version.id or 0), digest

    def _stretches(self, ordered: Sequence[Digest]) -> list[list[Digest]]:
        """Cut a list, newest first, into stretches; each is reversed, so that `pop` takes its head.

        A build is pushed at once, so a stretch ends where pushing paused longest.
        """
        times = [self._newest_first(digest)[0] for digest in ordered]
        count = min(max(len(ordered) // LENGTH, FEWEST_STRETCHES), MOST_STRETCHES)
        length = max(1, -(-len(ordered) // count))
        cuts = [0]
        for end in range(length, len(ordered), length):
            near = range(end, min(end + min(NEARBY, length), len(ordered)))
            cuts.append(max(near, key=lambda at: times[at - 1] - times[at]))
        return [
            list(reversed(ordered[start:end])) for start, end in pairwise([*cuts, len(ordered)])
        ]

    def _next(self, stretch: list[Digest]) -> Digest | None:
        """Take the newest version of a stretch that still needs reading."""
        while stretch:
            digest = stretch.pop()
            if digest not in self._settled:
                return digest
        return None

    def _read(self, digests: Iterable[Digest]) -> None:
        """Read documents, and what they list that may list something itself."""
        ahead = list(digests)
        while ahead:
            self._settled.update(ahead)
            manifests = read_manifests(self._reader, self._repository, self._versions, ahead)
            self._documents |= manifests
            children = [
                child
                for manifest in manifests.values()
                for child in manifest.children
                if child.digest in self._versions
            ]
            self._settled.update(child.digest for child in children)
            # A platform image lists no manifest. Any other child may be an index or an artifact.
            doubtful = {child.digest for child in children if not child.is_plain_image}
            ahead = sorted(doubtful - self._documents.keys())


class TagOnlyObserver:
    """Observes a registry that lists tags only, by following every reference from the tags."""

    def __init__(
        self,
        reader: RegistryReader,
        repository: Repository,
        tagged: Sequence[Version],
        *,
        opaque: Set[Digest] = frozenset(),
        whole: bool = False,
    ) -> None:
        """Start with the tagged versions, which the listing has proven present.

        What is declared `opaque` is never read. With `whole`, the media types in an index are not
        trusted: all that it lists is looked up among the manifests, and read if it is one.
        """
        self._reader = reader
        self._repository = repository
        self._opaque = opaque
        self._whole = whole
        self._asked: set[Digest] = {version.digest for version in tagged}
        self._referred: set[Digest] = set()
        self._tagged = frozenset(self._asked)
        self.versions = {version.digest: version for version in tagged}
        self.documents: dict[Digest, Manifest] = {}

    def run(self, remembered: Iterable[Digest]) -> None:
        """Follow every reference from the tags and from what earlier runs observed.

        Raises: EvidenceError, when a version that is present has no document that can be read.
        """
        self._follow()
        self._look(remembered)
        # Until nothing is left to read and every version was asked for its referrers: each of them
        # may lead to new versions.
        while self._wanted() - self.documents.keys() or self.versions.keys() - self._referred:
            self._follow()
        self.documents = {digest: self.documents[digest] for digest in sorted(self._wanted())}

    def _wanted(self) -> set[Digest]:
        """Return what has to be read, as far as is known so far."""
        here = self.versions.keys() - self._opaque
        return here if self._whole else documents_to_read(here, self._tagged, self.documents)

    def _look(self, digests: Iterable[Digest]) -> None:
        """Ask once for each digest whether it exists, and keep those that do."""
        # Each digest is asked for once, so that references in a cycle end.
        fresh = sorted(set(digests) - self._asked)
        self._asked.update(fresh)
        for digest, exists in self._reader.documents.present(self._repository, fresh).items():
            if exists:
                self.versions[digest] = Version(digest)

    def _follow(self) -> None:
        """Read what has to be read, then ask for what it lists and for what refers to it."""
        ahead = sorted(self._wanted() - self.documents.keys())
        manifests = read_manifests(self._reader, self._repository, self.versions, ahead)
        self.documents |= manifests
        children = (child for manifest in manifests.values() for child in manifest.children)
        # With `whole`, a descriptor with the media type of a layer may still name a manifest.
        self._look(child.digest for child in children if self._whole or not child.is_blob)
        unasked = sorted(self.versions.keys() - self._referred)
        self._referred.update(unasked)
        referrers = self._reader.referrers(self._repository, unasked)
        self._look(digest for listed in referrers.values() for digest in listed)
