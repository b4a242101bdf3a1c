"""Read a repository whose listing is complete, with about one document for each image.

An index is pushed after its children, so reading untagged versions from the newest back meets
the index first; it claims its children, and what every index that lists it calls plainly a
platform image or an attestation needs no reading of its own for a plan. `apply` reads all.
"""

from collections.abc import Iterable, Sequence, Set
from datetime import UTC, datetime
from itertools import pairwise

from reconciler.core.evidence import to_be_read
from reconciler.engine.manifests import read_manifests
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader

FEWEST_STRETCHES, MOST_STRETCHES = 10, 100
"""How many stretches of time are walked side by side; the width of one round of reads.

Up to several times as many as are read at once, so that these seldom wait for a round to end.
"""

LENGTH = 100
"""Least length of a stretch in versions, where there are enough of them: a cut through a build
costs a few reads, and must not cost many for each image."""

NEARBY = 32
"""How many versions a stretch may be longer than its share, so that it ends in a good place."""

_OLDEST = datetime.min.replace(tzinfo=UTC)


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
        self._versions = {one.digest: one for one in versions if one.digest not in opaque}
        self._documents: dict[Digest, Manifest] = {}
        self._settled: set[Digest] = set()

    def run(self) -> dict[Digest, Manifest]:
        """Read tagged versions, then untagged ones from the newest back.

        What was read and need not have been is left out, so that the same versions and documents
        give the same answer in whatever order they come.

        Raises: EvidenceError, when a listed version has no document that can be read.
        """
        tagged = {digest for digest, version in self._versions.items() if version.tags}
        untagged = self._versions.keys() - tagged
        self._read(sorted(tagged))
        stretches = self._stretches(sorted(untagged, key=self._newest_first, reverse=True))
        while heads := [head for stretch in stretches if (head := self._next(stretch))]:
            self._read(heads)
        needed = to_be_read(self._versions.keys(), tagged, self._documents)
        while missing := needed - self._documents.keys():
            self._read(sorted(missing))
            needed = to_be_read(self._versions.keys(), tagged, self._documents)
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

        What is pushed together belongs together: a stretch ends where pushing paused longest.
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
        """Read documents, and whatever they list that is not plainly a leaf."""
        ahead = list(digests)
        while ahead:
            self._settled.update(ahead)
            found = read_manifests(self._reader, self._repository, self._versions, ahead)
            self._documents |= found
            doubtful = {child for manifest in found.values() for child in self._claim(manifest)}
            ahead = sorted(doubtful - self._documents.keys())

    def _claim(self, manifest: Manifest) -> Iterable[Digest]:
        """Settle the children of an index; yield those that must be read all the same."""
        for child in manifest.children:
            if child.digest in self._versions:
                self._settled.add(child.digest)
                if not child.is_plain_image:
                    yield child.digest
