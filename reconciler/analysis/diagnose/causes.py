"""The causes of versions under stable names, with what each means and how to prevent it."""

from collections.abc import Mapping
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


class Remedy(StrEnum):
    """The rules of a policy that let the left-overs of a cause go."""

    DANGLING = "dangling"
    FORGOTTEN = "forgotten"
    STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to know and to do about one cause.

    Shape: `means` says what these versions are, `needed` whether anything needs them and why;
        `build` what to change where images are built, empty where nothing is to be changed;
        `remedy` is the rule that lets go what nothing needs, None where no rule is wanted.
    """

    means: str
    needed: str
    build: str = ""
    remedy: Remedy | None = None


ADVICE: Mapping[VersionCause, Advice] = {
    VersionCause.BROKEN: Advice(
        "Lists manifests that the registry does not have, or has lost its own.",
        "Cannot be pulled whole: `manifest unknown`.",
        "Build and push it again, and stop the tool that deletes untagged versions one by one.",
        Remedy.DANGLING,
    ),
    VersionCause.WRAPPER: Advice(
        "An index around one image, made by `docker buildx imagetools create`.",
        "Needed where it has a tag; the image inside would do.",
        "Give `imagetools create` the option `--prefer-index=false`, or give the build all tags.",
        Remedy.DANGLING,
    ),
    VersionCause.STAGING: Advice(
        "One platform's image with a tag of its own, made to be merged into an index.",
        "Needed as long as that index is: clients pull it through there.",
        "Push with `push-by-digest=true` and merge the digests: then no staging tag is left.",
        Remedy.STAGING,
    ),
    VersionCause.TAGGED: Advice(
        "Has a tag.",
        "Needed, unless nobody wants that tag any more.",
        "A tag for each commit (`type=sha`) or pull request keeps it for ever: give such tags a"
        " rule, `keep: {last: 20, within: 30d}` for one.",
    ),
    VersionCause.ATTESTATION: Advice(
        "Provenance or SBOM that BuildKit adds to each platform.",
        "Needed: the index lists it, and a pull of the index fails without it.",
        "Nobody reads it? `provenance: false` leaves 1 + N versions a build of N platforms instead"
        " of 1 + 2N, and for a single platform 1 instead of 3.",
    ),
    VersionCause.PLATFORM: Advice(
        "The image of one platform; the tag is on the index that lists it.",
        "Needed: this is what is pulled. It never had a tag, and looks like the tagged image.",
    ),
    VersionCause.SIGNATURE: Advice(
        "A signature, attestation or SBOM of cosign; its tag spells what it speaks of.",
        "Needed as long as that image is.",
    ),
    VersionCause.REFERRERS: Advice(
        "The list of what refers to an image; this registry keeps none, so clients do.",
        "Needed: signatures and attestations are found through it.",
    ),
    VersionCause.REFERRER: Advice(
        "A signature, attestation or SBOM that names an image as its subject.",
        "Needed as long as that image is.",
    ),
    VersionCause.REPLACED_CACHE: Advice(
        "A build cache; each export takes the tag of the one before.",
        "Not needed: builds read the tagged cache only.",
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
        "Not needed: a later signature stands under that tag.",
        "Sign once, right after the push and not again on every run.",
        Remedy.DANGLING,
    ),
    VersionCause.ORPHAN_REFERRER: Advice(
        "Speaks of an image that this repository does not have.",
        "Not needed here; unless it signs an image in another repository.",
        "The tool that deleted the image left it behind: Reconciler deletes both together.",
        Remedy.FORGOTTEN,
    ),
    VersionCause.SUPERSEDED: Advice(
        "Platform image, attestation or signature of an image that no tag leads to.",
        "Not needed: it goes together with that image.",
        "Fewer images without a tag leave fewer of these: see the causes beside this one.",
        Remedy.DANGLING,
    ),
    VersionCause.MERGED: Advice(
        "An index pushed by digest from a matrix, whose entries a larger index took over.",
        "Not needed: the merged index lists the same manifests itself.",
        "`provenance: false` in the jobs that push by digest: then they push no index.",
        Remedy.DANGLING,
    ),
    VersionCause.IDENTICAL: Advice(
        "A rebuild that changed nothing: a tagged image has the same content.",
        "Not needed: nothing in it is lost when it goes.",
        "Skip builds that change nothing; `provenance: false` and fixed labels make equal digests.",
        Remedy.DANGLING,
    ),
    VersionCause.ORPHAN_CHILD: Advice(
        "Left by an index that was deleted without what it lists, or by a build that died before"
        " the index was pushed.",
        "Not needed: no tag and no index leads to it.",
        "Stop the tool that deletes untagged versions one by one, if there is one.",
        Remedy.DANGLING,
    ),
    VersionCause.UNMERGED: Advice(
        "Pushed by digest, and the step that makes an index of it failed or never ran.",
        "Not needed, once no such run is under way.",
        "Build with `fail-fast: false`, and merge in a job that needs all builds.",
        Remedy.DANGLING,
    ),
    VersionCause.MOVED: Advice(
        "An image whose tag went to a later build.",
        "Not needed, unless somebody pulls it by digest or wants to roll back.",
        "Each build under a moving tag (`latest`, `edge`, `type=ref,event=pr`) leaves one: that is"
        " normal. Give what you want to keep a tag of its own (`type=semver`, `type=sha`).",
        Remedy.DANGLING,
    ),
    VersionCause.UNKNOWN: Advice(
        "Nothing in the registry tells where it comes from.",
        "Unknown; it may be pulled by digest.",
        "Tag what you push, or run `reconciler apply` regularly: it remembers tags.",
        Remedy.DANGLING,
    ),
}
"""What to say about every cause."""
