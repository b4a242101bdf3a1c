"""Explain one version: find it, say what it is, what it is connected to, and when it is deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from itertools import islice

from reconciler.analysis.nature import Nature, nature_of
from reconciler.core.fate import DecidedRepository, VersionFate, decide_repository, deletable_from
from reconciler.core.planner import PlanningInput
from reconciler.model.inventory import Inventory, Version
from reconciler.model.manifest import Descriptor
from reconciler.model.names import Digest, Reference, Repository

_NEAR = 5
"""Most existing names that are suggested for one that does not exist."""

_ALIKE = len("sha256:") + 6
"""How many characters of a digest must match for it to be suggested."""

_HASTE = 20_000
"""Most tags that are compared for similarity; each comparison takes some microseconds."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A version that keeps another one, or is kept by it.

    Shape: `listed` is the index entry that links the two; None where the link is a subject.
    """

    version: Version
    nature: Nature
    listed: Descriptor | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One version, explained.

    Shape: `deletable_from` is None where it would be deleted now, or where time alone changes
        nothing.
    """

    repository: Repository
    policy: str
    now: datetime
    nature: Nature
    platform: str
    fate: VersionFate
    keeps: tuple[Relative, ...]
    kept_by: tuple[Relative, ...]
    missing: tuple[Digest, ...]
    """The manifests that it lists and the registry lacks."""

    deletable_from: datetime | None

    @property
    def version(self) -> Version:
        """The version that is explained."""
        return self.fate.version


def explain(case: PlanningInput, digest: Digest) -> Explanation:
    """Explain one version of a repository.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    judged = decide_repository(case)
    fate = judged.fate(digest)
    listed = _listed(judged, digest)
    versions, entries = case.inventory.versions, _entries(fate.version)
    return Explanation(
        repository=case.inventory.repository,
        policy=case.policy.name,
        now=case.now,
        nature=nature_of(fate.version, listed),
        platform=listed.platform if listed else "",
        fate=fate,
        keeps=tuple(
            Relative(
                versions[kept], nature_of(versions[kept], entries.get(kept)), entries.get(kept)
            )
            for kept in judged.graph.keeps.get(digest, ())
        ),
        kept_by=tuple(
            Relative(
                versions[owner],
                nature_of(versions[owner], _listed(judged, owner)),
                _entries(versions[owner]).get(digest),
            )
            for owner in judged.graph.kept_by.get(digest, ())
        ),
        missing=tuple(judged.graph.missing.get(digest, ())),
        deletable_from=None if fate.is_deleted else deletable_from(judged, digest),
    )


def _listed(judged: DecidedRepository, digest: Digest) -> Descriptor | None:
    """Return the entry of a version in the first index that lists it."""
    owners = (judged.case.inventory.versions[o] for o in judged.graph.kept_by.get(digest, ()))
    entries = (_entries(owner).get(digest) for owner in owners)
    return next((entry for entry in entries if entry), None)


def _entries(version: Version) -> dict[Digest, Descriptor]:
    children = version.manifest.children if version.manifest else ()
    return {child.digest: child for child in children}


def find_versions(inventory: Inventory, reference: Reference) -> Sequence[Version]:
    """Return the versions that match a reference: several only for a short digest."""
    if reference.tag:
        digest = inventory.tagged.get(reference.tag)
        return [inventory.versions[digest]] if digest else []
    return [
        version
        for digest, version in inventory.versions.items()
        if digest.startswith(reference.digest_start)
    ]


def near_names(inventory: Inventory, reference: Reference) -> Sequence[str]:
    """Return a few existing names similar to one that does not exist, the closest first."""
    if reference.tag:
        # `get_close_matches` compares every tag, so their number is bounded.
        tags = islice(sorted(inventory.tagged), _HASTE)
        return get_close_matches(reference.tag, tags, n=_NEAR)
    # The first digits of a digest are those that people compare, so they are most likely right.
    start = reference.digest_start[:_ALIKE]
    return list(
        islice((digest for digest in inventory.versions if digest.startswith(start)), _NEAR)
    )
