"""Evidence that a version is in use, or that its own manifest shows as superseded."""

from reconciler.analysis.diagnose.causes import CauseEvidence
from reconciler.analysis.diagnose.references import (
    ReferenceGraph,
    is_attestation,
    is_cache,
    is_index,
    is_tagged_signature,
    own_tags,
    spelled,
)
from reconciler.model.inventory import Version
from reconciler.model.names import Digest


def broken(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show missing manifests; a list of referrers may list deleted ones and is not broken."""
    if version.manifest is None:
        return CauseEvidence("listed, but the registry has no manifest for it")
    missing = references.graph.missing.get(version.digest, ())
    # A list of referrers with a missing entry is only out of date: no pull needs the entry.
    if not missing or version.digest in references.lists:
        return None
    listed = len(version.manifest.children)
    share = f"{len(missing)} of {listed}" if len(missing) < listed else "all"
    return CauseEvidence(
        f"the registry lacks {share} manifests that it lists, such as {missing[0].short}"
    )


def wrapper(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show an index around one image that has a tag itself, or that another index lists."""
    inside = _only_child(references, version)
    if inside is None:
        return None
    # An index of one platform is normal; it is a wrapper only if the image has another place.
    if inside not in references.tagged and len(references.listed_by[inside]) == 1:
        return None
    return CauseEvidence(f"an index that lists only {references.name(inside)}", inside)


def staging(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a tag on an image that a multi-platform index lists."""
    owner = references.lister(version.digest)
    if version.digest not in references.tagged or owner is None:
        return None
    # An index around one image is reported as the wrapper; its image is then simply tagged.
    if _only_child(references, references.versions[owner]):
        return None
    return CauseEvidence(
        f"tagged {spelled(own_tags(version))}, listed by {references.name(owner)}", owner
    )


def tagged(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a tag."""
    if version.digest not in references.tagged:
        return None
    return CauseEvidence(f"tagged {spelled(own_tags(version))}")


def attestation(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show the entry of an index in use that marks an attestation."""
    owner = _lister_in_use(references, version)
    if owner is None or not references.entry(owner, version.digest).attestation:
        return None
    return CauseEvidence(f"attestation, listed by {references.name(owner)}", owner)


def platform(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show the entry of an index in use."""
    owner = _lister_in_use(references, version)
    if owner is None:
        return None
    entry = references.entry(owner, version.digest)
    return CauseEvidence(f"{entry.platform or 'manifest'} of {references.name(owner)}", owner)


def signature(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a signature's tag that spells the digest of an image in use."""
    ends = [tag.rpartition(".")[2] for tag in version.tags if tag.is_signature]
    return _refers_to_used(references, version, f"its .{ends[0]} tag spells") if ends else None


def referrers_index(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a tag that spells the digest of an image in use."""
    return _refers_to_used(references, version, "lists the referrers of") if version.tags else None


def referrer(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a subject in use; attestations of BuildKit are listed by an index instead."""
    manifest = version.manifest
    if manifest is None or is_attestation(manifest):
        return None
    if evidence := _refers_to_used(references, version, "refers to"):
        return evidence
    # A registry without the referrers API lists the referrers of an image in an index.
    owners = references.listed_by.get(version.digest, ())
    owner = next((owner for owner in owners if owner in references.in_use), None)
    return CauseEvidence(f"on the list of referrers {owner.short}", owner) if owner else None


def _only_child(references: ReferenceGraph, version: Version) -> Digest | None:
    """Return the one image that an index lists, if it lists one and nothing else."""
    if not is_index(version) or version.digest in references.lists:
        return None
    entries = version.manifest.children if version.manifest else ()
    inside = [child for child in references.images(version.digest) if child in references.versions]
    return inside[0] if len(entries) == len(inside) == 1 else None


def _lister_in_use(references: ReferenceGraph, version: Version) -> Digest | None:
    owner = references.lister(version.digest)
    return owner if owner in references.in_use else None


def _refers_to_used(
    references: ReferenceGraph, version: Version, text: str
) -> CauseEvidence | None:
    used = (subject for subject in references.subjects(version) if subject in references.in_use)
    subject = next(used, None)
    return CauseEvidence(f"{text} {references.name(subject)}", subject) if subject else None


def cache(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a build cache without a tag."""
    if not is_cache(version):
        return None
    # Exporting a cache moves its tag, so an untagged cache was replaced by a tagged one.
    newer = next((d for d in sorted(references.tagged) if is_cache(references.versions[d])), None)
    if newer is None:
        return CauseEvidence("a build cache without a tag")
    return CauseEvidence(f"a build cache; the current one is {references.name(newer)}", newer)


def referrers(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a list of referrers without a tag, which a later list has replaced."""
    if version.tags or version.digest not in references.lists or version.manifest is None:
        return None
    count = len(version.manifest.children)
    return CauseEvidence(
        f"a list of {count} referrer{'s' if count > 1 else ''}, replaced by a later list"
    )


def replaced_signature(_: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show a signature of the kind that is found by its tag, without a tag."""
    manifest = version.manifest
    if version.tags or manifest is None or not is_tagged_signature(manifest):
        return None
    return CauseEvidence(
        f"holds {manifest.layers[0].media_type} and its tag was moved to a later one"
    )


def orphan_referrer(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show that all its subjects are missing from the repository."""
    subjects = list(references.subjects(version))
    if not subjects or any(subject in references.versions for subject in subjects):
        return None
    return CauseEvidence(f"refers to {subjects[0].short}, which the repository does not have")


def superseded(references: ReferenceGraph, version: Version) -> CauseEvidence | None:
    """Show the untagged image that lists it or that it refers to."""
    owner = references.lister(version.digest)
    if owner:
        return CauseEvidence(f"listed by {owner.short}, which no tag refers to", owner)
    if version.manifest is None or is_attestation(version.manifest):
        return None
    subjects = [
        subject for subject in references.subjects(version) if subject in references.versions
    ]
    relatives = [*subjects, *references.listed_by.get(version.digest, ())]
    if not relatives:
        return None
    return CauseEvidence(f"related to {relatives[0].short}, which no tag refers to", relatives[0])
