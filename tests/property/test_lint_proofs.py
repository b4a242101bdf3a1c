"""A remark on a policy is a proof: no repository can show it wrong."""

from datetime import UTC

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.calendar import read_dates
from reconciler.core.lint import futile, sees_all
from reconciler.core.lint_regex import impossible_in_a_tag, never_a_date, never_a_number
from reconciler.core.select import Image, TagIndex, select
from reconciler.model.inventory import Version
from reconciler.model.match import Match
from reconciler.model.names import Digest, Tag
from reconciler.model.patterns import TagGlob, TagRegex
from reconciler.model.semver import SemVer, SemVerRange, parse_semver
from tests.support.example_counts import THIRD
from tests.support.time import NOON

TAGS = ("a", "ab", "abc", "b", "b1", "1.2.3", "1.2.3-rc.1", "v1.3.0", "2.0.0", "2.0.0-0", "x-1")
GLOBS = st.one_of(st.text("ab1*?", min_size=1, max_size=4), st.sampled_from([*TAGS, "*", "-*"]))
NUMBERS = st.sampled_from(["0", "1", "1.2", "1.2.3", "2", "1.2.3-rc.1", "2.0.0-0"])
BOUNDS = st.builds(
    "{}{}".format, st.sampled_from(["", ">", ">=", "<", "<=", "^", "~", "!="]), NUMBERS
)
RANGES = st.builds(
    lambda alternatives: " || ".join(" ".join(bounds) for bounds in alternatives),
    st.lists(st.lists(BOUNDS, min_size=1, max_size=3), min_size=1, max_size=2),
)
VERSIONS = st.builds(
    lambda numbers, more: parse_semver(".".join(map(str, numbers)) + more) or SemVer(0, 0, 0),
    st.tuples(*[st.integers(0, 4)] * 3),
    st.sampled_from(["", "", "-0", "-rc.1", "-rc.1.0", "-rc.2", "-a", "+b", "-rc.1+b"]),
)
SELECTORS = st.one_of(
    st.fixed_dictionaries({"tags": st.lists(GLOBS, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"regex": st.sampled_from(["[ab]+", "b\\d", "a/b", ".*"])}),
    st.fixed_dictionaries(
        {"semver": RANGES, "prerelease": st.sampled_from(["exclude", "include", "only"])}
    ),
    st.just({"any": True}),
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "except": st.lists(GLOBS, max_size=2),
        "with": st.lists(GLOBS, max_size=2),
        "without": st.lists(GLOBS, max_size=2),
        "every_tag": st.booleans(),
    },
)
MATCHES = st.builds(lambda one, more: Match.model_validate(one | more), SELECTORS, FILTERS)
UNTAGGED = st.just(Match(untagged=True))
SETS_OF_TAGS = st.lists(st.lists(st.sampled_from(TAGS), max_size=3, unique=True), max_size=8)


def seen(match: Match, sets_of_tags: list[list[str]]) -> set[int]:
    """Return the positions of the images that a selector sees."""
    images = [
        Image(Version(Digest(f"sha256:{number:064x}")), tuple(Tag(tag) for tag in sorted(tags)))
        for number, tags in enumerate(sets_of_tags)
    ]
    index = TagIndex([tag for image in images for tag in image.tags], [match])
    pool = {found.image.digest for found in select(match, images, index)}
    return {number for number, image in enumerate(images) if image.digest in pool}


@THIRD
@given(MATCHES | UNTAGGED, MATCHES | UNTAGGED, SETS_OF_TAGS)
def test_a_selector_that_sees_all_of_another_misses_none_of_its_images(
    wide: Match, narrow: Match, images: list[list[str]]
) -> None:
    if sees_all(wide, narrow):
        assert seen(narrow, images) <= seen(wide, images)


@THIRD
@given(MATCHES, SETS_OF_TAGS)
def test_a_selector_of_which_nothing_is_expected_sees_nothing(
    match: Match, images: list[list[str]]
) -> None:
    if [words for words in futile(match) if "no tag is like" not in words]:
        assert seen(match, images) == set()


@THIRD
@given(GLOBS, st.integers(0, 4), st.integers(0, 4), st.text("ab1x", min_size=1, max_size=6))
def test_a_glob_with_a_wider_piece_covers_it_and_matches_all_that_it_does(
    glob: str, start: int, length: int, tag: str
) -> None:
    narrow = TagGlob(glob)
    wide = TagGlob(glob[:start] + "*" + glob[start + length :])

    assert wide.covers(narrow)
    assert seen(Match(tags=(narrow,)), [[tag]]) <= seen(Match(tags=(wide,)), [[tag]])


@THIRD
@given(GLOBS.map(TagGlob), GLOBS.map(TagGlob), st.text("ab1x", min_size=1, max_size=6))
def test_a_glob_that_misses_a_tag_of_another_does_not_cover_it(
    one: TagGlob, other: TagGlob, tag: str
) -> None:
    if seen(Match(tags=(other,)), [[tag]]) - seen(Match(tags=(one,)), [[tag]]):
        assert not one.covers(other)


@THIRD
@given(RANGES.map(SemVerRange), RANGES.map(SemVerRange), st.lists(VERSIONS, max_size=9))
def test_two_ranges_that_differ_at_a_version_differ_at_a_probe_of_its_kind(
    one: SemVerRange, other: SemVerRange, versions: list[SemVer]
) -> None:
    probes = {
        probe.is_prerelease
        for probe in one.probes | other.probes
        if one.admits(probe) and not other.admits(probe)
    }

    differing = [v for v in versions if one.admits(v) and not other.admits(v)]

    assert {version.is_prerelease for version in differing} <= probes


CLASSES = st.sampled_from([r"\d", "[a-z]", "[0-9a-f]", "[^a]", ".", "-", "x", r"\.", r"\w", "/"])
TIMES = st.sampled_from(["", "+", "*", "?", "{4}", "{2,}", "{0,2}", "{8}"])
BODIES = st.lists(st.builds("{}{}".format, CLASSES, TIMES), min_size=1, max_size=3).map("".join)


@THIRD
@given(st.lists(BODIES, min_size=1, max_size=2).map("|".join), st.data())
def test_a_capture_of_which_nothing_is_expected_reads_as_nothing(
    body: str, data: st.DataObject
) -> None:
    regex = TagRegex(f"v(?P<it>{body})")
    tag = "v" + data.draw(st.from_regex(f"(?:{body})", fullmatch=True, alphabet="019afx-._/"))

    caught = regex.captured(tag).get("it", "")

    if never_a_number(regex, "it"):
        assert not (caught.isascii() and caught.isdigit())
    if never_a_date(regex, "it"):
        assert not read_dates([caught], UTC, NOON)
    if impossible_in_a_tag(regex):
        assert not set(tag) <= set("019afxv-._")
