"""What a tag is by its looks: only shapes that cannot be taken for something else are known.

All else is unknown, and a tag that no rule knows keeps its image. So `1.4.2-alpine` is unknown,
although it is a pre-release by the letter: it may be a flavour of a release.

Source: docker/metadata-action's README for what its types of tags look like.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.expressions import compiled
from reconciler.model.names import Tag
from reconciler.model.semver import parse_semver


class Family(StrEnum):
    """What tags of one kind are for, in the order in which a policy speaks of them."""

    MOVING = "moving"
    SERIES = "series"
    RELEASE = "releases"
    CANDIDATE = "candidates"
    PREVIEW = "previews"
    COMMIT = "commits"
    DATED = "nightly"
    REFERRER = "referrers"
    UNKNOWN = "unknown"


MOVING_TAGS = frozenset(
    (
        *("latest", "edge", "stable", "lts", "next", "current", "live", "release", "head", "HEAD"),
        *("main", "master", "mainline", "trunk", "develop", "development", "dev"),
        *("nightly", "canary", "alpha", "beta", "rc", "preview"),
        *("test", "testing", "stage", "staging", "prod", "production"),
        *("buildcache", "build-cache", "cache"),
    )
)
"""Names that are given to one image after another."""

_ARCHITECTURE = "-(?:amd64|arm64|arm|armv6|armv7|386|ppc64le|s390x|riscv64|x86_64|aarch64)"


@dataclass(frozen=True, slots=True)
class TagShape:
    """One way in which the tags of a family look, as an RE2 expression for the whole tag."""

    family: Family
    expression: str
    example: str


SHAPES: Sequence[TagShape] = (
    TagShape(Family.SERIES, r"v?\d{1,3}(\.\d{1,5})?", "1.4"),
    TagShape(
        Family.CANDIDATE,
        r"v?(?P<minor>\d+\.\d+)\.\d+[.-]?(?:alpha|beta|rc|preview|pre)(?:[.-]?\d+)*",
        "2.0.0-rc.1",
    ),
    TagShape(Family.PREVIEW, r"pr-\d+", "pr-12"),
    TagShape(Family.PREVIEW, r"pr-\d+-[0-9a-f]{7,40}", "pr-12-a000001"),
    TagShape(Family.PREVIEW, rf"pr-\d+{_ARCHITECTURE}", "pr-12-amd64"),
    TagShape(Family.PREVIEW, r"(?:pr|PR-|pull-|mr-)\d+", "pull-12"),
    TagShape(Family.COMMIT, r"sha-[0-9a-f]{7,64}", "sha-a000001"),
    TagShape(Family.COMMIT, rf"sha-[0-9a-f]{{7,64}}{_ARCHITECTURE}", "sha-a000001-amd64"),
    TagShape(Family.COMMIT, r"(?:git|commit)-[0-9a-f]{7,64}", "git-a000001"),
    TagShape(Family.COMMIT, r"[0-9a-f]{40}", "a000001" + "0" * 33),
    TagShape(Family.COMMIT, r"(?:main|master|develop|dev)-[0-9a-f]{7,40}", "main-a000001"),
    TagShape(
        Family.DATED,
        r"(?P<kind>nightly|daily|snapshot|edge|canary)[.-]"
        r"(?P<day>20\d{6}|20\d{2}-\d{2}-\d{2})",
        "nightly-20260301",
    ),
)
"""The shapes that rules are written for; no tag has two of them."""


def family_of(tag: Tag) -> Family:
    """Say what a tag is for, `unknown` when in doubt."""
    if tag.subject:
        return Family.REFERRER
    if tag in MOVING_TAGS:
        return Family.MOVING
    version = parse_semver(tag)
    if version and not version.is_prerelease:
        return Family.RELEASE
    shape = shape_of(tag)
    return shape.family if shape else Family.UNKNOWN


def shape_of(tag: str) -> TagShape | None:
    """Return the shape that a tag has; None for releases, moving tags and what is unknown."""
    return next((one for one in SHAPES if compiled(one.expression).fullmatch(tag)), None)


def shapes_of(tags: Iterable[Tag]) -> tuple[TagShape, ...]:
    """Return the shapes that some tags have, in the order of the table."""
    seen = {shape_of(tag) for tag in tags}
    return tuple(shape for shape in SHAPES if shape in seen)
