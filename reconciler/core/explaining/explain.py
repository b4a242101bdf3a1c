"""Everything there is to say about one version: what it is, what it hangs on, when it goes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.explaining.fate import Judged, VersionFate, judge
from reconciler.core.explaining.leaving import leaves_at
from reconciler.core.explaining.nature import Nature, nature_of
from reconciler.core.planner import PlanningInput
from reconciler.model.inventory import Version
from reconciler.model.manifest import Descriptor
from reconciler.model.names import Digest, Repository


@dataclass(frozen=True, slots=True)
class Relative:
    """A version that keeps another one, or is kept by it.

    Shape: `listed` is how the index of the two describes the other; None where the one keeps the
        other because it speaks of it.
    """

    version: Version
    nature: Nature
    listed: Descriptor | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One version, explained. Shape: `leaves` is None where it goes already, or never will."""

    repository: Repository
    policy: str
    now: datetime
    nature: Nature
    platform: str
    fate: VersionFate
    keeps: tuple[Relative, ...]
    kept_by: tuple[Relative, ...]
    missing: tuple[Digest, ...]
    """What it lists and the registry lacks."""

    leaves: datetime | None

    @property
    def version(self) -> Version:
        """The version that is explained."""
        return self.fate.version


def explain(case: PlanningInput, digest: Digest) -> Explanation:
    """Explain one version of a repository.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    judged = judge(case)
    fate = judged.fate(digest)
    listed = _listed(judged, digest)
    return Explanation(
        repository=case.inventory.repository,
        policy=case.policy.name,
        now=case.now,
        nature=nature_of(fate.version, listed),
        platform=listed.platform if listed else "",
        fate=fate,
        keeps=tuple(_kept(judged, digest)),
        kept_by=tuple(_keepers(judged, digest)),
        missing=tuple(judged.graph.missing.get(digest, ())),
        leaves=None if fate.goes else leaves_at(judged, digest),
    )


def _kept(judged: Judged, digest: Digest) -> Iterator[Relative]:
    versions = judged.case.inventory.versions
    entries = _entries(versions[digest])
    for kept in judged.graph.keeps.get(digest, ()):
        listed = entries.get(kept)
        yield Relative(versions[kept], nature_of(versions[kept], listed), listed)


def _keepers(judged: Judged, digest: Digest) -> Iterator[Relative]:
    versions = judged.case.inventory.versions
    for owner in judged.graph.kept_by.get(digest, ()):
        nature = nature_of(versions[owner], _listed(judged, owner))
        yield Relative(versions[owner], nature, _entries(versions[owner]).get(digest))


def _listed(judged: Judged, digest: Digest) -> Descriptor | None:
    """Return how an index describes a version, the first index that lists it."""
    owners = (judged.case.inventory.versions[o] for o in judged.graph.kept_by.get(digest, ()))
    entries = (_entries(owner).get(digest) for owner in owners)
    return next((entry for entry in entries if entry), None)


def _entries(version: Version) -> dict[Digest, Descriptor]:
    children = version.manifest.children if version.manifest else ()
    return {child.digest: child for child in children}
