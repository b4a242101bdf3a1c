"""What a registry in memory holds of one repository: bytes, tags, ids, times."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.model.ports import Clock
from tests.support.documents import Document, digest_of


@dataclass(slots=True)
class Stored:
    """One manifest as it was pushed. Shape: `tags` are kept as they were when it is deleted."""

    id: int
    digest: str
    document: Document
    pushed: datetime
    tags: set[str] = field(default_factory=set)


class Storage:
    """One repository: what is in it, and what was deleted and can still come back."""

    def __init__(self, clock: Clock) -> None:
        """Begin empty; ids go up with every new version."""
        self._clock = clock
        self._next_id = 1001
        self.live: dict[str, Stored] = {}
        self.deleted: dict[int, Stored] = {}
        self.blobs: dict[str, bytes] = {}
        self.moved_at: dict[str, datetime] = {}
        """When each tag was last given, moved or taken away."""

    @property
    def tags(self) -> dict[str, str]:
        """Each tag and the digest it points to."""
        return {tag: stored.digest for stored in self.live.values() for tag in stored.tags}

    @property
    def newest_first(self) -> list[Stored]:
        """What is live, as a listing shows it."""
        return sorted(self.live.values(), key=lambda stored: stored.id, reverse=True)

    def push(self, document: Document, *tags: str) -> Stored:
        """Push what a document lists, then the document itself, then move tags to it.

        Bytes that are already there make no new version, and no time moves.
        """
        for part in _bottom_up(document):
            self.blobs.update({digest_of(blob): blob for blob in part.blobs})
            digest = part.digest
            if digest not in self.live:
                self.live[digest] = Stored(self._next_id, digest, part, self._clock())
                self._next_id += 1
        for tag in tags:
            self.retag(tag, document.digest)
        return self.live[document.digest]

    def retag(self, tag: str, digest: str) -> None:
        """Move a tag, or give it for the first time."""
        if self.tags.get(tag) != digest:
            self.untag(tag)
            self.live[digest].tags.add(tag)
            self.moved_at[tag] = self._clock()

    def untag(self, tag: str) -> None:
        """Take a tag away from whatever has it."""
        self.moved_at[tag] = self._clock()
        for stored in self.live.values():
            stored.tags.discard(tag)

    def remove(self, digest: str) -> None:
        """Delete a version softly, and with it every tag that points to it."""
        gone = self.live.pop(digest)
        self.moved_at |= dict.fromkeys(gone.tags, self._clock())
        self.deleted[gone.id] = gone

    def restore(self, number: int) -> bool:
        """Bring a version back with those of its tags that nobody took meanwhile."""
        stored = self.deleted.get(number)
        if stored is None or stored.digest in self.live:
            return False
        stored.tags -= self.tags.keys()
        self.live[stored.digest] = self.deleted.pop(number)
        return True


def _bottom_up(document: Document) -> Iterator[Document]:
    for child in document.children:
        yield from _bottom_up(child)
    yield document
