"""Check, diagnose and verify repositories, reading only.

A repository that cannot be read does not keep the others from being inspected.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from reconciler.analysis.diagnose.diagnose import Diagnosis, DiagnosisResult, diagnose, outlook
from reconciler.analysis.health import HealthInput, HealthResult, Thresholds
from reconciler.analysis.health_checks import check
from reconciler.analysis.integrity import (
    BrokenImage,
    IntegrityResult,
    add_history,
    blobs_of,
    holes,
    listed,
)
from reconciler.core.history import deletions
from reconciler.core.planner import PlanningInput
from reconciler.engine.manifests import with_creation_times
from reconciler.engine.observations import SaveDigests
from reconciler.engine.observe import require_known
from reconciler.engine.plan import Target, check_clock, read_case
from reconciler.engine.read_all import Ahead, look_ahead, read_whole
from reconciler.engine.similar import listing_of
from reconciler.errors import AccessError, EvidenceError, ReconcilerError
from reconciler.model.inventory import Fact, Inventory, Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.policy import Policy
from reconciler.model.ports import Clock, Holder, RegistryReader, RepositoryState, State


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a health check needs. `has_ended` returns whether a lock holder has ended for sure."""

    state: State
    now: datetime
    bounds: Thresholds
    has_ended: Callable[[Holder], bool]
    save_digests: SaveDigests = lambda _: None

    def of(self, repository: Repository, governed: Target | None) -> HealthResult:
        """Check one repository that has a state or is `governed` by a policy."""
        try:
            case, error = self._read(governed)
            state = self.state.of(repository)
            # The state is read after the registry, so that it records every deletion that was
            # observed; and the lock before the journal, so that a run which ends in between does
            # not count as interrupted.
            holder = state.holder()
            health = HealthInput(
                repository=repository,
                now=self.now,
                records=state.records(),
                holder=holder,
                holder_ended=holder is not None and self.has_ended(holder),
                case=case,
            )
            return HealthResult(repository, check(health, self.bounds), error)
        except ReconcilerError as failure:
            return HealthResult(repository, error=failure)

    def _read(self, governed: Target | None) -> tuple[PlanningInput | None, ReconcilerError | None]:
        """Read the repository if a policy governs it; without one, only the state is checked."""
        if governed is None:
            return None, None
        try:
            case = read_case(governed, self.state, self.now)
            self.save_digests(case.inventory)
            check_clock(governed.reader, self.now)
            return case, None
        except (EvidenceError, AccessError) as error:
            return None, error


@dataclass(frozen=True, slots=True)
class Examination:
    """What diagnosing repositories needs.

    `policy_for` returns the policy to forecast with, given the diagnosis.
    """

    state: State
    clock: Clock
    policy_for: Callable[[Diagnosis], Policy | None]
    save_digests: SaveDigests = lambda _: None

    def list(self, reader: RegistryReader, repository: Repository) -> Ahead | DiagnosisResult:
        """List one repository and count the reads to come, or return the error."""
        try:
            return look_ahead(reader, repository)
        except ReconcilerError as error:
            return DiagnosisResult(repository, error=error)

    def read(self, reader: RegistryReader, ahead: Ahead) -> DiagnosisResult:
        """Read one repository completely, save new digests, and diagnose it."""
        try:
            observations = self.state.of(ahead.repository).observations()
            inventory = read_whole(reader, ahead, observations)
            self.save_digests(inventory)
            diagnosis = diagnose(inventory, observations, now=self.clock())
            policy = self.policy_for(diagnosis)
            if policy and Fact.CREATED in policy.facts:
                # Only the diagnosis shows which policy to forecast with, and so whether it needs
                # the build times, which cost a request for each image.
                dated = with_creation_times(reader, diagnosis.inventory)
                diagnosis = diagnose(dated, observations, now=diagnosis.now)
            return DiagnosisResult(ahead.repository, diagnosis, policy, outlook(diagnosis, policy))
        except ReconcilerError as error:
            return DiagnosisResult(ahead.repository, error=error)


def broken_images(
    reader: RegistryReader, repository: Repository
) -> tuple[int, Mapping[Version, tuple[Digest, ...]]]:
    """Ask for all manifests that each tag needs; return the number of images, and what is missing.

    The registry is asked, and never the cache. Layers are not asked for.

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
    """Read all that some roots list, directly or not; None for what the registry lacks.

    Raises: EvidenceError, when the registry cannot be read.
    """
    documents: dict[Digest, Manifest | None] = {}
    ahead = set(roots)
    while ahead:
        # The registry is asked first: the cache may have a manifest that was deleted since.
        here = reader.documents.present(repository, sorted(ahead))
        manifests = reader.documents.manifests(
            repository, sorted(d for d, there in here.items() if there)
        )
        documents |= dict.fromkeys(ahead) | dict(manifests)
        children = chain.from_iterable(map(listed, manifests.values()))
        ahead = {child.digest for child in children} - documents.keys()
    return documents


def examine(
    reader: RegistryReader,
    repository: Repository,
    state: RepositoryState,
    *,
    blobs: bool,
    save_digests: SaveDigests = lambda _: None,
) -> IntegrityResult:
    """Ask for all that each tag needs: manifests, and with `blobs` configurations and layers.

    New digests are saved. A repository that cannot be read is a result with an error, and does
    not prevent the others.
    """
    try:
        return _examined(reader, repository, state, blobs=blobs, save_digests=save_digests)
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
    save_digests: SaveDigests,
) -> IntegrityResult:
    listing = listing_of(reader, repository)
    tagged = [version for version in listing.versions if version.tags]
    require_known(
        reader, repository, listing, [version.digest for version in tagged], state.observations()
    )
    documents = documents_below(reader, repository, [version.digest for version in tagged])
    # The tagged versions, and of what they list that which the registry has.
    below = [Version(digest) for digest, document in documents.items() if document]
    versions = {version.digest: version for version in (*below, *tagged)}
    facts = reader.capabilities.facts
    save_digests(Inventory.of(repository, versions.values(), facts=facts))
    named = {blob.digest: blob for document in documents.values() for _, blob in blobs_of(document)}
    # Foreign layers are stored elsewhere, by their URLs: the registry need not have them.
    wanted = sorted(digest for digest, blob in named.items() if not blob.foreign)
    present = reader.documents.blobs_present(repository, wanted) if blobs else {}
    lacking = frozenset(digest for digest, there in present.items() if not there)
    gone, observations = deletions(state.records()), state.observations()
    broken = [
        BrokenImage(version.digest, version.tags, add_history(missing, gone, observations))
        for version in tagged
        if (missing := tuple(holes(version.digest, documents, lacking)))
    ]
    return IntegrityResult(
        repository,
        images=len(tagged),
        manifests=len(documents),
        blobs=len(present) if blobs else None,
        foreign=len(named) - len(wanted),
        dangling=listing.broken,
        broken=tuple(broken),
    )
