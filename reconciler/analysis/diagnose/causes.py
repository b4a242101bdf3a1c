"""The causes of versions under stable names, their meaning, and how to prevent them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.names import Digest


class VersionCause(StrEnum):
    """Why a version exists, in the order of `precedence`: the first that applies is the cause."""

    BROKEN = "broken"
    """It lists manifests that the registry lacks, or has no manifest itself."""

    WRAPPER = "wrapper-index"
    """An index around one image that has a tag or an index: `imagetools create` makes them."""

    STAGING = "staging-tag"
    """The image of one platform with its own tag, listed by a multi-platform image."""

    TAGGED = "tagged"
    ATTESTATION = "attestation"
    """BuildKit's provenance or SBOM, listed by an index in use."""

    PLATFORM = "platform-child"
    """The image of one platform, listed by an index in use."""

    SIGNATURE = "signature"
    """Found by its tag, which spells the digest that it signs."""

    REFERRERS = "referrers-index"
    """The list of an image's referrers, where the registry has no referrers API."""

    REFERRER = "referrer"
    """A signature, attestation or SBOM that names an image in use as its subject."""

    REPLACED_CACHE = "replaced-cache"
    REPLACED_REFERRERS = "replaced-referrers-index"
    REPLACED_SIGNATURE = "replaced-signature"
    ORPHAN_REFERRER = "orphan-referrer"
    """It refers to a manifest that the repository does not have."""

    SUPERSEDED = "superseded-child"
    """Child or referrer of an untagged image."""

    MERGED = "merged-digest"
    """An index pushed by digest, whose manifests a larger index lists as well."""

    IDENTICAL = "identical-content"
    """It has the same content as a tagged image: a build that changed nothing."""

    ORPHAN_CHILD = "orphan-child"
    """Its index was deleted without it."""

    UNMERGED = "unmerged-digest"
    """Pushed by digest, but no index was made from it."""

    MOVED = "tag-moved"
    """A later build took its tag."""

    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How certain a cause is."""

    PROVEN = "proven"
    LIKELY = "likely"
    """Other causes are possible; the other versions make this one likely."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CauseEvidence:
    """The evidence of a cause: a text, and the related version that it mentions."""

    text: str
    relative: Digest | None = None
    confidence: Confidence = Confidence.PROVEN


class Remedy(StrEnum):
    """The policy rules that delete the leftovers of a cause."""

    DANGLING = "dangling"
    FORGOTTEN = "forgotten"
    STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Advice:
    """What one cause means, and what to do about it.

    Shape: `means` is what these versions are, `needed` whether anything needs them and why;
        `build` what to change in the builds, empty where nothing needs to change; `remedy` is the
        rule that deletes those that are not needed, None where no rule is useful.
    """

    means: str
    needed: str
    build: str = ""
    remedy: Remedy | None = None


ADVICE: Mapping[VersionCause, Advice] = {
    VersionCause.BROKEN: Advice(
        "Lists manifests that the registry does not have, or has no manifest itself.",
        "Cannot be pulled completely: `manifest unknown`.",
        "Rebuild and push it, and stop the tool that deletes untagged versions one by one.",
        Remedy.DANGLING,
    ),
    VersionCause.WRAPPER: Advice(
        "An index around one image, made by `docker buildx imagetools create`.",
        "Needed where it has a tag, although the image inside would be enough.",
        "Run `imagetools create` with `--prefer-index=false`, or let the build push all tags.",
        Remedy.DANGLING,
    ),
    VersionCause.STAGING: Advice(
        "The image of one platform with its own tag, pushed to be merged into an index.",
        "Needed as long as that index is: clients pull it through the index.",
        "Push with `push-by-digest=true` and merge the digests: then there are no staging tags.",
        Remedy.STAGING,
    ),
    VersionCause.TAGGED: Advice(
        "Has a tag.",
        "Needed, unless that tag is obsolete.",
        "A tag for each commit (`type=sha`) or pull request keeps its image for ever: give such"
        " tags a rule, for example `keep: {last: 20, within: 30d}`.",
    ),
    VersionCause.ATTESTATION: Advice(
        "Provenance or SBOM that BuildKit adds to each platform.",
        "Needed: the index lists it, and a pull of the index fails without it.",
        "If it is not used: with `provenance: false` a build of N platforms pushes 1 + N versions"
        " instead of 1 + 2N, and for a single platform 1 instead of 3.",
    ),
    VersionCause.PLATFORM: Advice(
        "The image of one platform; the tag is on the index that lists it.",
        "Needed: clients pull it through the index. It never had a tag of its own.",
    ),
    VersionCause.SIGNATURE: Advice(
        "A signature, attestation or SBOM of cosign; its tag spells the digest of its subject.",
        "Needed as long as that image is.",
    ),
    VersionCause.REFERRERS: Advice(
        "The list of an image's referrers, which clients keep because this registry does not.",
        "Needed: signatures and attestations are found through it.",
    ),
    VersionCause.REFERRER: Advice(
        "A signature, attestation or SBOM that names an image as its subject.",
        "Needed as long as that image is.",
    ),
    VersionCause.REPLACED_CACHE: Advice(
        "A build cache; each export takes the tag of the previous one.",
        "Not needed: builds only read the tagged cache.",
        "Export from the main branch only, or use `cache-to: type=gha` or `type=inline`.",
        Remedy.DANGLING,
    ),
    VersionCause.REPLACED_REFERRERS: Advice(
        "An older list of referrers; each signature or attestation replaces the list.",
        "Not needed: the tag is on the newest list, which has all entries.",
        "One attest step per image instead of several makes one list instead of several.",
        Remedy.DANGLING,
    ),
    VersionCause.REPLACED_SIGNATURE: Advice(
        "A cosign signature whose tag a later one of the same image took.",
        "Not needed: the tag is on the later signature.",
        "Sign once, right after the push, not on every run.",
        Remedy.DANGLING,
    ),
    VersionCause.ORPHAN_REFERRER: Advice(
        "Refers to an image that this repository does not have.",
        "Not needed, unless it signs an image in another repository.",
        "The tool that deleted the image did not delete it. Reconciler deletes both together.",
        Remedy.FORGOTTEN,
    ),
    VersionCause.SUPERSEDED: Advice(
        "Platform image, attestation or signature of an untagged image.",
        "Not needed: it is deleted together with that image.",
        "Avoid untagged images: see the other causes.",
        Remedy.DANGLING,
    ),
    VersionCause.MERGED: Advice(
        "An index pushed by digest from a matrix, whose entries were merged into a larger index.",
        "Not needed: the merged index lists the same manifests itself.",
        "Set `provenance: false` in the jobs that push by digest: then they push no index.",
        Remedy.DANGLING,
    ),
    VersionCause.IDENTICAL: Advice(
        "A rebuild that changed nothing: a tagged image has the same content.",
        "Not needed: the tagged image has all of its content.",
        "Skip builds that change nothing; `provenance: false` and fixed labels give equal digests.",
        Remedy.DANGLING,
    ),
    VersionCause.ORPHAN_CHILD: Advice(
        "Its index was deleted without the manifests that it lists, or the build failed before it"
        " pushed the index.",
        "Not needed: it has no tag, and no index lists it.",
        "If a tool deletes untagged versions one by one, stop it.",
        Remedy.DANGLING,
    ),
    VersionCause.UNMERGED: Advice(
        "Pushed by digest, but the step that makes an index from it failed or did not run.",
        "Not needed, unless such a build is still running.",
        "Build with `fail-fast: false`, and merge in a job that needs all builds.",
        Remedy.DANGLING,
    ),
    VersionCause.MOVED: Advice(
        "An image whose tag was moved to a later build.",
        "Not needed, unless it is pulled by digest or needed for a rollback.",
        "Each build with a moving tag (`latest`, `edge`, `type=ref,event=pr`) leaves one: that is"
        " normal. Give images to keep their own tags (`type=semver`, `type=sha`).",
        Remedy.DANGLING,
    ),
    VersionCause.UNKNOWN: Advice(
        "The registry has no data about its origin.",
        "Unknown: it may be pulled by digest.",
        "Tag what you push, or run `reconciler apply` regularly: it records tags.",
        Remedy.DANGLING,
    ),
}
"""The advice for each cause."""

PHRASES: Mapping[VersionCause, str] = {
    VersionCause.BROKEN: "incomplete images",
    VersionCause.WRAPPER: "indexes around one image",
    VersionCause.STAGING: "tagged single platforms",
    VersionCause.TAGGED: "tagged images",
    VersionCause.ATTESTATION: "provenance and SBOMs",
    VersionCause.PLATFORM: "platforms of tagged images",
    VersionCause.SIGNATURE: "signatures by tag",
    VersionCause.REFERRERS: "lists of attestations",
    VersionCause.REFERRER: "attestations of images",
    VersionCause.REPLACED_CACHE: "older build caches",
    VersionCause.REPLACED_REFERRERS: "older attestation lists",
    VersionCause.REPLACED_SIGNATURE: "older signatures",
    VersionCause.ORPHAN_REFERRER: "attestations of no image",
    VersionCause.SUPERSEDED: "parts of untagged images",
    VersionCause.MERGED: "indexes since merged",
    VersionCause.IDENTICAL: "rebuilds without a change",
    VersionCause.ORPHAN_CHILD: "parts of deleted images",
    VersionCause.UNMERGED: "builds that never merged",
    VersionCause.MOVED: "tags that moved",
    VersionCause.UNKNOWN: "versions without evidence",
}
"""Each cause in at most 26 characters: what these versions are, or what made them."""
