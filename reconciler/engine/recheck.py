"""Look again before each group of deletions: what one look covers, and what is new.

What is new is what was pushed or tagged since the inventory was read, and all that it refers to.
"""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from reconciler.core.graph import Graph
from reconciler.core.walk import closure
from reconciler.errors import EvidenceError
from reconciler.model.durations import FRESH_SECONDS
from reconciler.model.effort import TOGETHER
from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.plan_rows import Change
from reconciler.model.ports import RegistryReader

Component: TypeAlias = Sequence[Change]
"""The deletions of one image: its index, what only that lists, and what refers to it."""

MAX_SLOW_LOOKS = 8
"""Looks in a row that took too long for a single DELETE before the repository is given up.
Each one halves the group, so the last five of them covered one version only."""


@dataclass
class LookSize:
    """How many versions one look covers: at most `most`, fewer while the registry is slow."""

    repository: Repository
    most: int
    versions: int = field(default=0, init=False)
    _slow: int = field(default=0, init=False)
    """Looks in a row after which nothing could be deleted any more."""

    def __post_init__(self) -> None:
        """Start with the most."""
        self.versions = self.most

    def grow(self) -> None:
        """Cover one version more after a look that lasted for its whole group."""
        self._slow = 0
        self.versions = min(self.versions + 1, self.most)

    def shrink(self, sent: int) -> None:
        """Cover fewer versions after a look that became too old once `sent` were deleted.

        Raises: EvidenceError, after MAX_SLOW_LOOKS looks too slow for a single DELETE.
        """
        self._slow = 0 if sent else self._slow + 1
        self.versions = sent or max(1, self.versions // 2)
        if self._slow >= MAX_SLOW_LOOKS:
            raise EvidenceError(
                f"{self.repository}: reading a version and what is new takes"
                f" longer than {FRESH_SECONDS:g} s"
            )


@dataclass
class Looks:
    """Chooses what each look covers: whole components, or a part of a large one.

    Shape: `component_of` is the position in `components` of the component of each version.
    """

    inventory: Inventory
    graph: Graph
    components: Sequence[Component]
    at_once: int = 1
    """How many DELETEs go at the same time: a look covers so many times as many."""

    def __post_init__(self) -> None:
        """Index the components; nothing is read yet."""
        self.size = LookSize(self.inventory.repository, TOGETHER * self.at_once)
        self.component_of = {
            change.digest: number for number, part in enumerate(self.components) for change in part
        }
        self._begun: set[int] = set()
        """Components of which every version was read again."""

    def next_group(self, queue: Iterable[Change], spared: Set[Digest]) -> list[Change]:
        """Return what the next look covers, without versions that are spared."""
        group: list[Change] = []
        for _, part in groupby(queue, key=lambda change: self.component_of[change.digest]):
            members = [change for change in part if change.digest not in spared]
            # Components are not divided, so that a stop between two looks leaves whole images.
            if group and len(group) + len(members) > self.size.versions:
                break
            group += members[: self.size.versions]
        return group

    def versions_to_read(self, group: Sequence[Change], deleted: Set[Digest]) -> list[Version]:
        """Return the versions of a group, and what of the plan would keep any of them.

        Before the first deletion of a component all its versions are read: one that changed keeps
        the whole component.
        """
        numbers = dict.fromkeys(self.component_of[change.digest] for change in group)
        new = [
            change.digest
            for number in numbers
            if number not in self._begun
            for change in self.components[number]
        ]
        self._begun |= numbers.keys()
        keepers = closure(self.graph.kept_by, (change.digest for change in group))
        wanted = dict.fromkeys([*new, *sorted(keepers & self.component_of.keys())])
        return [self.inventory.versions[digest] for digest in wanted if digest not in deleted]


@dataclass
class Recheck:
    """Reads the newest versions before each group of deletions; each document is read once."""

    reader: RegistryReader
    inventory: Inventory
    _names: dict[Digest, frozenset[Digest]] = field(default_factory=dict)
    """What each new document lists or refers to."""

    def newly_referenced(self) -> set[Digest]:
        """Return the versions that a document or tag newer than the inventory names.

        So is a version that refers to something newer: an image may be pushed again whose
        signature still exists.

        Raises: EvidenceError, when the newest versions cannot be read: nothing more is deleted.
        """
        inventory = self.inventory
        listing = self.reader.newest(inventory.repository, inventory.evidence.watermark)
        # What is new is never in the plan, and keeps what it names: an index that lists a planned
        # image may be pushed right before that image is deleted (docs/promises.md).
        fresh = {version.digest for version in listing.versions} - inventory.versions.keys()
        named = fresh | self._named_by(fresh)
        referring = _referring_to(inventory, named - inventory.versions.keys())
        named.update(_tagged(listing.versions, inventory), referring)
        return named & inventory.versions.keys()

    def _named_by(self, fresh: Set[Digest]) -> set[Digest]:
        """Follow new versions to all that they name, through what the inventory does not have."""
        named: set[Digest] = set()
        followed: set[Digest] = set()
        # What the inventory has needs no read here: the graph knows what it refers to.
        while ahead := (fresh | named) - followed - self.inventory.versions.keys():
            followed |= ahead
            unread = sorted(ahead - self._names.keys())
            repository = self.inventory.repository
            manifests = self.reader.documents.manifests(repository, unread) if unread else {}
            for digest, manifest in manifests.items():
                if manifest:
                    self._names[digest] = frozenset(manifest.names)
                # It was just listed, so its manifest exists, and may list any planned version. Only
                # what a new version names may be missing.
                elif digest in fresh:
                    raise EvidenceError(f"{repository}@{digest}: its manifest is unknown")
            named.update(*(self._names.get(digest, ()) for digest in ahead))
        return named


def _tagged(versions: Iterable[Version], inventory: Inventory) -> Iterator[Digest]:
    """Yield what new or moved tags point to, and the subjects that tags spell."""
    for version in versions:
        known = inventory.versions.get(version.digest)
        tags = set(version.tags).difference(known.tags if known else ())
        if tags:
            yield version.digest
        yield from (subject for tag in tags if (subject := tag.subject))


def _referring_to(inventory: Inventory, arrived: Set[Digest]) -> Iterator[Digest]:
    """Yield what refers to a version that the inventory does not have."""
    for version in inventory.versions.values() if arrived else ():
        subjects = {subject for tag in version.tags if (subject := tag.subject)}
        if version.manifest and version.manifest.subject:
            subjects.add(version.manifest.subject)
        if not subjects.isdisjoint(arrived):
            yield version.digest
