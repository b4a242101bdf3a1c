"""Rules of a proposed policy for each kind of tag.

Only shapes that are unambiguous are recognised. All other tags are unknown, and a tag that no rule
matches keeps its image. So `1.4.2-alpine` is unknown, although semver calls it a pre-release: it
may be a variant of a release.

Source: docker/metadata-action's README for what its types of tags look like.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.model.names import Tag
from reconciler.model.patterns import compiled
from reconciler.model.semver import parse_semver

NEWEST_COMMITS = 10
"""Builds of commits that are kept at any age, for projects that pause."""

DANGLING_DAYS = 7
PREVIEW_DAYS = 14
COMMIT_DAYS = 30
CANDIDATE_DAYS = 30
"""How long untagged images, and images of each family, are kept after their push, in days."""

YOUNG_AGE = 1
EXPIRED_AGE = 2_000
"""Ages of example images, in days: far from every limit, so that the test of a policy still passes
when somebody makes the ages shorter or longer."""


class Family(StrEnum):
    """The purposes of tags, in the order of a policy's rules."""

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
"""Tags that are moved from one image to the next."""

_ARCHITECTURE = "-(?:amd64|arm64|arm|armv6|armv7|386|ppc64le|s390x|riscv64|x86_64|aarch64)"


@dataclass(frozen=True, slots=True)
class TagShape:
    """One shape of a family's tags, as an RE2 expression for the whole tag."""

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
"""The shapes that rules are written for; a tag matches at most one of them."""


def family_of(tag: Tag) -> Family:
    """Classify a tag, as `unknown` when in doubt."""
    if tag.subject:
        # Referrers are deleted with their subject, so no rule is written for them.
        return Family.REFERRER
    if tag in MOVING_TAGS:
        return Family.MOVING
    # Releases are recognised before shapes: `1.4` is a series, but `1.4.2` is a version.
    version = parse_semver(tag)
    if version and not version.is_prerelease:
        return Family.RELEASE
    shape = shape_of(tag)
    return shape.family if shape else Family.UNKNOWN


def shape_of(tag: str) -> TagShape | None:
    """Return the shape of a tag; None for releases, moving tags and unknown tags."""
    return next((shape for shape in SHAPES if compiled(shape.expression).fullmatch(tag)), None)


def shapes_of(tags: Iterable[Tag]) -> tuple[TagShape, ...]:
    """Return the shapes of tags, in the order of the table."""
    present = {shape_of(tag) for tag in tags}
    return tuple(shape for shape in SHAPES if shape in present)


@dataclass(frozen=True, slots=True)
class Example:
    """One image of the policy's test. Units: `age` in days."""

    tags: tuple[str, ...]
    age: int
    expect: str
    by: str


@dataclass(frozen=True, slots=True)
class ProposedRule:
    """One rule or protection as a policy file has it, its reason, and example images."""

    document: Mapping[str, Any]
    reason: str
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposalSettings:
    """Settings of all rules of a proposal.

    Shape: `has_push_times` is whether the registry reports push times. Without them nothing can be
        ranked, and ages count from when a run first observed an image.
    """

    has_push_times: bool


def moving(tags: Sequence[str]) -> ProposedRule:
    """Protect the tags that are moved from one image to the next."""
    return ProposedRule(
        {"name": Family.MOVING.value, "match": {"tags": list(tags)}},
        "Tags that move from image to image: an image with one is in use.",
        (Example(("latest",), EXPIRED_AGE, "keep", Family.MOVING),),
    )


def series(shapes: Sequence[TagShape]) -> ProposedRule:
    """Protect the tags of release series, which move along with the releases."""
    return ProposedRule(
        {"name": Family.SERIES.value, "match": _match(shapes)},
        "Tags such as 1 and 1.4 move along with the releases.",
        tuple(Example((shape.example,), EXPIRED_AGE, "keep", Family.SERIES) for shape in shapes),
    )


def releases() -> ProposedRule:
    """Keep every release."""
    return ProposedRule(
        {"name": Family.RELEASE.value, "match": {"semver": ">=0"}, "keep": {"all": True}},
        "Releases are kept for ever: 1.4.2 and v2.0.0, but not 2.0.0-rc.1.",
        (Example(("1.4.2",), EXPIRED_AGE, "keep", Family.RELEASE),),
    )


def timed(family: Family, shapes: Sequence[TagShape], terms: ProposalSettings) -> ProposedRule:
    """Expire a family by age; the newest are kept where images can be ranked."""
    build = {
        Family.CANDIDATE: _candidates,
        Family.PREVIEW: _previews,
        Family.COMMIT: _commits,
        Family.DATED: _dated,
    }
    return build[family](shapes, terms)


def dangling(terms: ProposalSettings) -> ProposedRule:
    """Expire untagged images by age."""
    name = "dangling"
    document = {"name": name, "match": {"untagged": True}, "keep": _within(DANGLING_DAYS)}
    return ProposedRule(
        document | _aged(terms),
        "Untagged images, mostly those whose tag has moved. Manifests that an index lists, and"
        " signatures and attestations of images, are never among them.",
        tuple(_by_age((), name)),
    )


def _candidates(shapes: Sequence[TagShape], terms: ProposalSettings) -> ProposedRule:
    name = Family.CANDIDATE.value
    ranked = {"group_by": ["minor"], "keep": {"last": 2, **_within(CANDIDATE_DAYS)}}
    keep = ranked if terms.has_push_times else {"keep": _within(CANDIDATE_DAYS)}
    older = [Example((f"2.0.0-rc.{3 - at}",), EXPIRED_AGE + at, "keep", name) for at in range(2)]
    gone = Example(("2.0.0-rc.1",), EXPIRED_AGE + 2, "delete", name)
    return ProposedRule(
        {"name": name, "match": _match(shapes), **keep, **_aged(terms)},
        "Pre-releases are not needed after their release."
        + (" The newest two of each minor version are kept." if terms.has_push_times else ""),
        (*older, gone) if terms.has_push_times else (gone,),
    )


def _previews(shapes: Sequence[TagShape], terms: ProposalSettings) -> ProposedRule:
    name = Family.PREVIEW.value
    return ProposedRule(
        {"name": name, "match": _match(shapes), "keep": _within(PREVIEW_DAYS), **_aged(terms)},
        "Images of pull requests. One that is open for longer gets a new image by its next push.",
        tuple(_by_age((shapes[0].example,), name)),
    )


def _commits(shapes: Sequence[TagShape], terms: ProposalSettings) -> ProposedRule:
    name = Family.COMMIT.value
    newest = {"last": NEWEST_COMMITS} if terms.has_push_times else {}
    document = {"name": name, "match": _match(shapes), "keep": {**newest, **_within(COMMIT_DAYS)}}
    # Each example needs a tag of its own: the one of the shape, with the number in it changed.
    number = NEWEST_COMMITS + 1 if terms.has_push_times else 2
    tags = [shapes[0].example.replace("a000001", f"a{at + 1:06}") for at in range(number)]
    ages = [YOUNG_AGE, *(EXPIRED_AGE + at for at in range(number - 1))]
    *kept, expired = zip(tags, ages, strict=True)
    examples = (
        *(Example((tag,), age, "keep", name) for tag, age in kept),
        Example((expired[0],), expired[1], "delete", name),
    )
    return ProposedRule(
        document | _aged(terms),
        "Builds of single commits. If one is deployed by its tag for longer, protect that tag.",
        examples,
    )


def _dated(shapes: Sequence[TagShape], _: ProposalSettings) -> ProposedRule:
    name = Family.DATED.value
    document = {
        "name": name,
        "match": _match(shapes),
        "group_by": ["kind"],
        "order_by": "date:day",
        "age_by": "date:day",
        "keep": {"daily": 14, "weekly": 8, "monthly": 12},
    }
    return ProposedRule(
        document,
        "Builds of single days, by the date in the tag: the older, the fewer are kept.",
        (Example((shapes[0].example,), 1, "keep", name),),
    )


def _match(shapes: Sequence[TagShape]) -> dict[str, str]:
    return {"regex": "|".join(shape.expression for shape in shapes)}


def _within(days: int) -> dict[str, str]:
    return {"within": f"{days}d"}


def _aged(terms: ProposalSettings) -> dict[str, str]:
    return {} if terms.has_push_times else {"age_by": "first_seen"}


def _by_age(tags: tuple[str, ...], name: str) -> Iterator[Example]:
    """Yield an image that is young enough to be kept, and one that is not."""
    yield Example(tags, YOUNG_AGE, "keep", name)
    # A tag is on one image only, so the second example needs another one.
    other = tuple(tag.replace("12", "11") for tag in tags)
    yield Example(other, EXPIRED_AGE, "delete", name)
