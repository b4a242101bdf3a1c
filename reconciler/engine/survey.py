"""Read a repository whose listing is complete, with about one document for each image.

An index is pushed after its children, so reading untagged versions from the newest back meets
the index first; it claims its children, and what is plainly a platform image or an attestation
needs no reading of its own.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository, Tag
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


class Survey:
    """What was read so far, and which versions need no reading."""

    def __init__(
        self, reader: RegistryReader, repository: Repository, versions: Sequence[Version]
    ) -> None:
        """Start with a listing and nothing read."""
        self._reader = reader
        self._repository = repository
        self._versions = {version.digest: version for version in versions}
        self.documents: dict[Digest, Manifest] = {}
        self._settled: set[Digest] = set()

    def run(self) -> dict[Digest, Manifest]:
        """Read tagged versions, then untagged ones from the newest back.

        Raises: EvidenceError, when a listed version has no document.
        """
        tagged, untagged = self._split()
        self._read(tagged)
        stretches = self._stretches(sorted(untagged, key=self._newest_first, reverse=True))
        while heads := [head for stretch in stretches if (head := self._next(stretch))]:
            self._read(heads)
        return self.documents

    def _split(self) -> tuple[list[Digest], list[Digest]]:
        """Part versions by tag; a signature's tag is its link, so it needs no reading."""
        tagged, untagged = [], []
        for version in self._versions.values():
            if not version.tags:
                untagged.append(version.digest)
            elif not all(self._is_signature(tag) for tag in version.tags):
                tagged.append(version.digest)
        return tagged, untagged

    def _is_signature(self, tag: Tag) -> bool:
        return tag.is_signature and tag.subject in self._versions

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
            found = self._reader.manifests(self._repository, ahead)
            ahead = []
            for digest, manifest in found.items():
                if manifest is None:
                    raise EvidenceError(
                        f"{self._repository}@{digest} is listed, but its manifest is unknown",
                        hint="If this persists, the version is broken: delete it by hand.",
                    )
                self.documents[digest] = manifest
                ahead.extend(self._claim(manifest))

    def _claim(self, manifest: Manifest) -> Iterable[Digest]:
        """Settle the children of an index; yield those that must be read all the same."""
        for child in manifest.children:
            if child.digest in self._versions and child.digest not in self._settled:
                self._settled.add(child.digest)
                if not child.is_plain_image:
                    yield child.digest
