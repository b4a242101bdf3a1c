"""Read a repository whose registry lists tags only: the rest is found by following links.

Digests come from tags, from indexes, from referrers, and from what earlier runs observed. Each
is proven present by the registry itself, never by the cache.
"""

from collections.abc import Iterable, Sequence, Set

from reconciler.core.evidence import to_be_read
from reconciler.engine.manifests import read_manifests
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader


class TagOnlyObserver:
    """What was found so far, and what is still to be looked at."""

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

        What is declared `opaque` is never read. With `whole`, no label of an index is believed:
        whatever it lists is looked for among the manifests, and read if it is one.
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
        """Follow every link from the tags and from what earlier runs saw, to the end.

        Raises: EvidenceError, when a version that is present has no document that can be read.
        """
        self._follow()
        self._look(remembered)
        while not self._is_done():
            self._follow()
        self.documents = {digest: self.documents[digest] for digest in sorted(self._wanted())}

    def _is_done(self) -> bool:
        return self._wanted() <= self.documents.keys() and self.versions.keys() <= self._referred

    def _wanted(self) -> set[Digest]:
        """Return what has to be read, as far as is known by now."""
        here = self.versions.keys() - self._opaque
        return here if self._whole else to_be_read(here, self._tagged, self.documents)

    def _look(self, digests: Iterable[Digest]) -> None:
        """Ask whether digests exist, each once, and note those that do."""
        fresh = sorted(set(digests) - self._asked)
        self._asked.update(fresh)
        for digest, exists in self._reader.present(self._repository, fresh).items():
            if exists:
                self.versions[digest] = Version(digest)

    def _follow(self) -> None:
        """Read what has to be read; look for what it lists, and for what refers to anything."""
        ahead = sorted(self._wanted() - self.documents.keys())
        found = read_manifests(self._reader, self._repository, self.versions, ahead)
        self.documents |= found
        children = (child for manifest in found.values() for child in manifest.children)
        self._look(child.digest for child in children if self._whole or not child.is_blob)
        unasked = sorted(self.versions.keys() - self._referred)
        self._referred.update(unasked)
        referrers = self._reader.referrers(self._repository, unasked)
        self._look(digest for listed in referrers.values() for digest in listed)
