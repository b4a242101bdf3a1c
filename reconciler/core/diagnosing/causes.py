"""The causes that make versions, by names that stay the same."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.names import Digest


class VersionCause(StrEnum):
    """Why a version is there. The order is that of `precedence`: the first that shows is it."""

    BROKEN = "broken"
    """It lists manifests that the registry lacks, or has no manifest itself."""

    WRAPPER = "wrapper-index"
    """An index around one manifest that has a place of its own: `imagetools create` makes them."""

    STAGING = "staging-tag"
    """One platform's image under a tag of its own, listed by the index it was made for."""

    TAGGED = "tagged"
    ATTESTATION = "attestation"
    """BuildKit's provenance or SBOM, listed by an index in use."""

    PLATFORM = "platform-child"
    """The image of one platform, listed by an index in use."""

    SIGNATURE = "signature"
    """Found by its tag, which spells what it signs."""

    REFERRERS = "referrers-index"
    """The list of what refers to an image, where the registry keeps none."""

    REFERRER = "referrer"
    """A signature, attestation or SBOM that names an image in use as its subject."""

    REPLACED_CACHE = "replaced-cache"
    REPLACED_REFERRERS = "replaced-referrers-index"
    REPLACED_SIGNATURE = "replaced-signature"
    ORPHAN_REFERRER = "orphan-referrer"
    """It speaks of a manifest that the repository does not have."""

    SUPERSEDED = "superseded-child"
    """Child or referrer of an image that no tag leads to."""

    MERGED = "merged-digest"
    """An index pushed by digest, whose manifests a larger index lists now."""

    IDENTICAL = "identical-content"
    """Its images are those of a tagged image: a build that changed nothing."""

    ORPHAN_CHILD = "orphan-child"
    """Its index was deleted, and it was left behind."""

    UNMERGED = "unmerged-digest"
    """Pushed by digest, and no index was ever made of it."""

    MOVED = "tag-moved"
    """A later build took its tag."""

    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How far the registry's own data carry."""

    PROVEN = "proven"
    LIKELY = "likely"
    """Other causes leave the same behind; what else is there speaks for this one."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CauseEvidence:
    """What shows a cause: in words, and the version that it is about beside the one diagnosed."""

    text: str
    relative: Digest | None = None
    confidence: Confidence = Confidence.PROVEN
