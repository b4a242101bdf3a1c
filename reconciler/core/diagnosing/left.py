"""The signs of what was left behind and still shows what it was: replaced, or part of the dead."""

from reconciler.core.diagnosing.anatomy import ReferenceGraph
from reconciler.core.diagnosing.causes import CauseEvidence
from reconciler.core.diagnosing.documents import (
    is_attestation,
    is_cache,
    is_tagged_signature,
)
from reconciler.model.inventory import Version


def cache(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a build cache without a tag."""
    if not is_cache(version):
        return None
    newer = next((d for d in sorted(anatomy.tagged) if is_cache(anatomy.versions[d])), None)
    if newer is None:
        return CauseEvidence("a build cache without a tag")
    return CauseEvidence(f"a build cache; {anatomy.name(newer)} is the present one", newer)


def referrers(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a list of referrers without a tag: each new one replaces it."""
    if version.tags or version.digest not in anatomy.lists or version.manifest is None:
        return None
    count = len(version.manifest.children)
    return CauseEvidence(
        f"a list of {count} referrer{'s' if count > 1 else ''}, replaced by a later list"
    )


def signature(_: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a signature that is found by tag, and has none."""
    manifest = version.manifest
    if version.tags or manifest is None or not is_tagged_signature(manifest):
        return None
    return CauseEvidence(f"holds {manifest.layers[0].media_type} and lost its tag to a later one")


def orphan_referrer(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show that all it speaks of is gone from the repository."""
    subjects = list(anatomy.subjects(version))
    if not subjects or any(subject in anatomy.versions for subject in subjects):
        return None
    return CauseEvidence(f"speaks of {subjects[0].short}, which the repository does not have")


def superseded(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show what lists it, or what it refers to, where no tag leads to that."""
    owner = anatomy.lister(version.digest)
    if owner:
        return CauseEvidence(f"listed by {owner.short}, to which no tag leads", owner)
    if version.manifest is None or is_attestation(version.manifest):
        return None
    spoken = [subject for subject in anatomy.subjects(version) if subject in anatomy.versions]
    relatives = [*spoken, *anatomy.listed_by.get(version.digest, ())]
    if not relatives:
        return None
    return CauseEvidence(f"belongs to {relatives[0].short}, to which no tag leads", relatives[0])
