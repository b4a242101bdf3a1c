"""Check, diagnose and verify repositories, reading only.

A repository that cannot be read does not keep the others from being inspected.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult, diagnose, outlook
from reconciler.analysis.health import HealthInput, HealthResult, Thresholds
from reconciler.analysis.health_checks import check
from reconciler.analysis.integrity import (
    BrokenImage,
    Documents,
    IntegrityResult,
    add_history,
    blobs_of,
    holes,
    listed,
)
from reconciler.core.history import deletions
from reconciler.core.planner import PlanningInput
from reconciler.engine.existence import require_known
from reconciler.engine.noting import Note
from reconciler.engine.observe import creation_times
from reconciler.engine.plan import Target, check_clock, read_case
from reconciler.engine.read_all import Ahead, look_ahead, read_whole
from reconciler.errors import AccessError, EvidenceError, ReconcilerError
from reconciler.model.inventory import Fact, Inventory, Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, Holder, RegistryReader, RepositoryState, State


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a look goes by. `has_ended` tells whether a lock's holder is known to have ended."""

    state: State
    now: datetime
    bounds: Thresholds
    has_ended: Callable[[Holder], bool]
    note: Note = lambda _: None

    def of(self, governed: Iterable[Target]) -> Iterator[HealthResult]:
        """Look at what policies govern, and at whatever else has a state."""
        by_name = {one.repository: one for one in governed}
        for repository in sorted({*by_name, *self.state.repositories()}):
            yield self._checked(repository, by_name.get(repository))

    def _checked(self, repository: Repository, governed: Target | None) -> HealthResult:
        try:
            case, error = self._read(governed)
            return HealthResult(
                repository, check(self._standing(repository, case), self.bounds), error
            )
        except ReconcilerError as failure:
            return HealthResult(repository, error=failure)

    def _read(self, governed: Target | None) -> tuple[PlanningInput | None, ReconcilerError | None]:
        """Read the registry where a policy governs it; the state is worth a look even without."""
        if governed is None:
            return None, None
        try:
            case = read_case(governed, self.state, self.now)
            self.note(case.inventory)
            check_clock(governed.reader, self.now)
            return case, None
        except (EvidenceError, AccessError) as error:
            return None, error

    def _standing(self, repository: Repository, case: PlanningInput | None) -> HealthInput:
        """Put the state beside what was read.

        The state comes last, so that it tells of every deletion that was seen; and the lock
        before the journal, so that a run which ends in between is not taken for a dead one.

        Raises: StateError, when it cannot be read whole.
        """
        state = self.state.of(repository)
        holder = state.holder()
        return HealthInput(
            repository=repository,
            now=self.now,
            records=state.records(),
            holder=holder,
            holder_ended=holder is not None and self.has_ended(holder),
            case=case,
        )


@dataclass(frozen=True, slots=True)
class Examination:
    """What looking at repositories takes.

    `policy_for` tells what policy to look ahead with, given what was found.
    """

    state: State
    clock: Clock
    policy_for: Callable[[Diagnosis], Policy | None]
    note: Note = lambda _: None

    def list(self, reader: RegistryReader, repository: Repository) -> Ahead | DiagnosisResult:
        """List one repository and count the reads to come, or tell what hinders that."""
        try:
            return look_ahead(reader, repository)
        except ReconcilerError as error:
            return DiagnosisResult(repository, error=error)

    def read(self, reader: RegistryReader, ahead: Ahead) -> DiagnosisResult:
        """Read one repository whole and diagnose it; what was seen is handed to `note`."""
        try:
            return self._examined(reader, ahead)
        except ReconcilerError as error:
            return DiagnosisResult(ahead.repository, error=error)

    def _examined(self, reader: RegistryReader, ahead: Ahead) -> DiagnosisResult:
        seen = self.state.of(ahead.repository).observations()
        inventory = read_whole(reader, ahead, seen)
        self.note(inventory)
        found = diagnose(inventory, seen, now=self.clock())
        policy = self.policy_for(found)
        if policy and Fact.CREATED in policy.facts:
            found = diagnose(_dated(reader, found.inventory), seen, now=found.now)
        return DiagnosisResult(ahead.repository, found, policy, outlook(found, policy))


def _dated(reader: RegistryReader, inventory: Inventory) -> Inventory:
    """Add when images say they were built, for a policy that goes by that."""
    documents = {d: one.manifest for d, one in inventory.versions.items() if one.manifest}
    times = creation_times(reader, inventory.repository, documents)
    dated = {d: replace(one, created=times.get(d)) for d, one in inventory.versions.items()}
    return replace(inventory, versions=dated)


def broken_images(
    reader: RegistryReader, repository: Repository
) -> tuple[int, Mapping[Version, tuple[Digest, ...]]]:
    """Ask for everything below each tag; return how many images have one, and what is missing.

    Presence is asked of the registry and never of a cache. Layers are not asked for.

    Raises: EvidenceError, when the registry cannot be read.
    """
    tagged = [version for version in reader.listing(repository).versions if version.tags]
    documents = documents_below(reader, repository, [version.digest for version in tagged])
    missing = {
        version: tuple(hole.digest for hole in holes(version.digest, documents))
        for version in tagged
    }
    return len(tagged), {version: lost for version, lost in missing.items() if lost}


def documents_below(
    reader: RegistryReader, repository: Repository, roots: Iterable[Digest]
) -> Mapping[Digest, Manifest | None]:
    """Read everything below some roots, None for what the registry does not have now.

    Raises: EvidenceError, when the registry cannot be read.
    """
    documents: dict[Digest, Manifest | None] = {}
    ahead = set(roots)
    while ahead:
        here = reader.documents.present(repository, sorted(ahead))
        found = reader.documents.manifests(
            repository, sorted(d for d, there in here.items() if there)
        )
        documents |= dict.fromkeys(ahead) | dict(found)
        children = chain.from_iterable(map(listed, found.values()))
        ahead = {child.digest for child in children} - documents.keys()
    return documents


def examine(
    reader: RegistryReader,
    repository: Repository,
    state: RepositoryState,
    *,
    blobs: bool,
    note: Note = lambda _: None,
) -> IntegrityResult:
    """Ask for everything below each tag, for configurations and layers too when `blobs` says so.

    What was found there is handed to `note`. A repository that cannot be read whole is told of as
    such, and holds no other one back.
    """
    try:
        return _examined(reader, repository, state, blobs=blobs, note=note)
    except ReconcilerError as error:
        return IntegrityResult(
            repository, error=str(error), hint=error.hint, failure=error.exit_code
        )


def _examined(
    reader: RegistryReader,
    repository: Repository,
    state: RepositoryState,
    *,
    blobs: bool,
    note: Note,
) -> IntegrityResult:
    listing = reader.listing(repository)
    tagged = [version for version in listing.versions if version.tags]
    require_known(repository, listing, [one.digest for one in tagged], state.observations())
    documents = documents_below(reader, repository, [version.digest for version in tagged])
    note(_seen(reader, repository, tagged, documents))
    named = {blob.digest: blob for document in documents.values() for _, blob in blobs_of(document)}
    wanted = sorted(digest for digest, blob in named.items() if not blob.foreign)
    present = reader.documents.blobs_present(repository, wanted) if blobs else {}
    lacking = frozenset(digest for digest, there in present.items() if not there)
    return IntegrityResult(
        repository,
        images=len(tagged),
        manifests=len(documents),
        blobs=len(present) if blobs else None,
        foreign=len(named) - len(wanted),
        dangling=listing.broken,
        broken=tuple(_broken(tagged, documents, lacking, state)),
    )


def _seen(
    reader: RegistryReader,
    repository: Repository,
    tagged: Iterable[Version],
    documents: Documents,
) -> Inventory:
    """Return what was seen: the tagged versions, and what is there below them."""
    below = (Version(digest) for digest, document in documents.items() if document)
    versions = {**{one.digest: one for one in below}, **{one.digest: one for one in tagged}}
    return Inventory.of(repository, versions.values(), facts=reader.capabilities.facts)


def _broken(
    tagged: Iterable[Version],
    documents: Documents,
    lacking: Set[Digest],
    state: RepositoryState,
) -> Iterator[BrokenImage]:
    """Yield each tagged image that has holes, with what the state knows of them."""
    gone, seen = deletions(state.records()), state.observations()
    for version in tagged:
        if missing := tuple(holes(version.digest, documents, lacking)):
            yield BrokenImage(version.digest, version.tags, add_history(missing, gone, seen))
