"""Evidence of what is in use, and of superseded versions that their own manifest identifies."""

from reconciler.analysis.diagnose.anatomy import (
    ReferenceGraph,
    is_attestation,
    is_cache,
    is_index,
    is_tagged_signature,
    own_tags,
    spelled,
)
from reconciler.analysis.diagnose.causes import CauseEvidence
from reconciler.model.inventory import Version
from reconciler.model.names import Digest


def broken(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show what is not whole; a list of referrers may well name some that are gone."""
    if version.manifest is None:
        return CauseEvidence("listed, and the registry has no manifest for it")
    missing = anatomy.graph.missing.get(version.digest, ())
    if not missing or version.digest in anatomy.lists:
        return None
    listed = len(version.manifest.children)
    share = f"{len(missing)} of {listed} manifests" if len(missing) < listed else "everything"
    return CauseEvidence(f"the registry lacks {share} that it lists, as {missing[0].short}")


def wrapper(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show an index around one image that has a tag itself, or that another index lists."""
    inside = _only_child(anatomy, version)
    if inside is None:
        return None
    if inside not in anatomy.tagged and len(anatomy.listed_by[inside]) == 1:
        return None
    return CauseEvidence(f"an index around {anatomy.name(inside)} and nothing else", inside)


def staging(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a tag on what an index lists among others."""
    owner = anatomy.lister(version.digest)
    if version.digest not in anatomy.tagged or owner is None:
        return None
    if _only_child(anatomy, anatomy.versions[owner]):
        return None
    return CauseEvidence(
        f"tagged {spelled(own_tags(version))}, listed by {anatomy.name(owner)}", owner
    )


def tagged(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a tag."""
    if version.digest not in anatomy.tagged:
        return None
    return CauseEvidence(f"tagged {spelled(own_tags(version))}")


def attestation(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show the entry of an index in use that marks an attestation."""
    owner = _lister_in_use(anatomy, version)
    if owner is None or not anatomy.entry(owner, version.digest).attestation:
        return None
    return CauseEvidence(f"attestation that {anatomy.name(owner)} lists", owner)


def platform(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show the entry of an index in use."""
    owner = _lister_in_use(anatomy, version)
    if owner is None:
        return None
    entry = anatomy.entry(owner, version.digest)
    return CauseEvidence(f"{entry.platform or 'manifest'} of {anatomy.name(owner)}", owner)


def signature(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a signature's tag that spells an image in use."""
    ends = [tag.rpartition(".")[2] for tag in version.tags if tag.is_signature]
    return _spoken_of(anatomy, version, f"its .{ends[0]} tag spells") if ends else None


def referrers_index(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a tag that spells an image in use."""
    return _spoken_of(anatomy, version, "lists what refers to") if version.tags else None


def referrer(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a subject in use; what BuildKit writes belongs to an index, and to no subject."""
    manifest = version.manifest
    if manifest is None or is_attestation(manifest):
        return None
    return _spoken_of(anatomy, version, "refers to") or _on_a_list(anatomy, version)


def _only_child(anatomy: ReferenceGraph, version: Version) -> Digest | None:
    """Return the one image that an index lists, if it lists one and nothing else."""
    if not is_index(version) or version.digest in anatomy.lists:
        return None
    entries = version.manifest.children if version.manifest else ()
    inside = [child for child in anatomy.images(version.digest) if child in anatomy.versions]
    return inside[0] if len(entries) == len(inside) == 1 else None


def _lister_in_use(anatomy: ReferenceGraph, version: Version) -> Digest | None:
    owner = anatomy.lister(version.digest)
    return owner if owner in anatomy.in_use else None


def _spoken_of(anatomy: ReferenceGraph, version: Version, words: str) -> CauseEvidence | None:
    used = (subject for subject in anatomy.subjects(version) if subject in anatomy.in_use)
    subject = next(used, None)
    return CauseEvidence(f"{words} {anatomy.name(subject)}", subject) if subject else None


def _on_a_list(anatomy: ReferenceGraph, version: Version) -> CauseEvidence | None:
    owners = anatomy.listed_by.get(version.digest, ())
    owner = next((owner for owner in owners if owner in anatomy.in_use), None)
    return CauseEvidence(f"on a list of referrers, {owner.short}", owner) if owner else None


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


def replaced_signature(_: ReferenceGraph, version: Version) -> CauseEvidence | None:
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
