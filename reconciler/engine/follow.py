"""Read a repository whose registry lists tags only: the rest is found by following links.

Digests come from tags, from indexes, from referrers, and from what earlier runs observed. Each
is proven present by the registry itself, never by the cache.
"""

from collections.abc import Iterable, Iterator, Sequence

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader


class Trail:
    """What was found so far, and what is still to be looked at."""

    def __init__(
        self, reader: RegistryReader, repository: Repository, tagged: Sequence[Version]
    ) -> None:
        """Start with the tagged versions, which the listing has proven present."""
        self._reader = reader
        self._repository = repository
        self._asked: set[Digest] = {version.digest for version in tagged}
        self.versions = {version.digest: version for version in tagged}
        self.documents: dict[Digest, Manifest] = {}

    def run(self, remembered: Iterable[Digest]) -> None:
        """Follow every link from the tags and from what earlier runs saw, to the end.

        Raises: EvidenceError, when a version that is present has no document.
        """
        ahead = {*self._read(list(self.versions)), *self._look(remembered)}
        while ahead:
            ahead = set(self._read(sorted(ahead)))

    def _look(self, digests: Iterable[Digest]) -> Iterator[Digest]:
        """Ask whether digests exist, each once; note and yield those that do."""
        fresh = sorted(set(digests) - self._asked)
        self._asked.update(fresh)
        for digest, exists in self._reader.present(self._repository, fresh).items():
            if exists:
                self.versions[digest] = Version(digest)
                yield digest

    def _read(self, digests: Sequence[Digest]) -> Iterator[Digest]:
        """Read documents and look for what they lead to; yield what must be read next."""
        plain: set[Digest] = set()
        linked: set[Digest] = set()
        for digest, manifest in self._reader.manifests(self._repository, digests).items():
            if manifest is None:
                raise EvidenceError(f"{self._repository}@{digest} exists, but not its manifest")
            self.documents[digest] = manifest
            children = [child for child in manifest.children if not child.is_blob]
            linked.update(child.digest for child in children)
            plain.update(child.digest for child in children if child.is_plain_image)
        found = set(self._look(linked))
        referrers = self._reader.referrers(self._repository, [*digests, *sorted(found & plain)])
        yield from self._look(digest for listed in referrers.values() for digest in listed)
        yield from found - plain
