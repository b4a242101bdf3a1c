"""Patterns are exact, anchored, case-sensitive, and cannot be made to hang."""

import re
import time

import pytest

from reconciler.errors import InvalidNameError, PolicyError
from reconciler.model.names import Repository
from reconciler.model.patterns import PatternSet, RepositoryGlob, TagGlob, TagRegex, TypeGlob

_SECONDS = 5
"""What no hostile pattern may take; each here takes some thousandths."""


def matches(pattern: TagGlob | TagRegex, tag: str) -> bool:
    return list(PatternSet([pattern]).matching(tag)) == [0]


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("latest", "latest", "Latest latest2 xlatest"),
        ("sha-*", "sha- sha-1 sha-a-b", "sha xsha-1 SHA-1"),
        ("*", "a 1.2.3 a-b_c.d", ""),
        ("v1.?", "v1.2 v1.x", "v1. v1.22 v1x2"),
        ("a.b", "a.b", "axb"),
        ("*-rc*", "1-rc 1-rc.2", "rc 1rc"),
    ],
)
def test_a_glob_matches_the_whole_tag(glob: str, inside: str, outside: str) -> None:
    assert [tag for tag in inside.split() if not matches(TagGlob(glob), tag)] == []
    assert [tag for tag in outside.split() if matches(TagGlob(glob), tag)] == []


@pytest.mark.parametrize("text", ["", "a b", "[ab]", "a|b", "^a", "a/b", "*" * 513, "a\n"])
def test_a_glob_takes_no_other_signs(text: str) -> None:
    with pytest.raises(InvalidNameError, match="tag pattern"):
        TagGlob(text)


@pytest.mark.parametrize(
    ("regex", "inside", "outside"),
    [
        (r"pr-\d+", "pr-1 pr-12", "pr- xpr-1 pr-1x PR-1"),
        ("a|b", "a b", "ab xb ax"),
        ("^a$", "a", "ba ab"),
        ("(?i)rc", "rc RC", "xrc"),
        (".*", "a 1.2.3", ""),
    ],
)
def test_an_expression_matches_the_whole_tag(regex: str, inside: str, outside: str) -> None:
    assert [tag for tag in inside.split() if not matches(TagRegex(regex), tag)] == []
    assert [tag for tag in outside.split() if matches(TagRegex(regex), tag)] == []


def test_an_expression_tells_what_its_groups_caught() -> None:
    regex = TagRegex(r"(?P<branch>[a-z]+)-(?P<n>\d+)(?:-(?P<arch>.+))?")

    assert regex.captures == {"branch", "n", "arch"}
    assert regex.captured("main-7") == {"branch": "main", "n": "7", "arch": ""}
    assert regex.captured("7-main") == {}


@pytest.mark.parametrize(
    ("regex", "cure"),
    [
        (r"(?=x)a", "RE2 has no look-around"),
        (r"(a)\1", "RE2 has no back-references"),
        ("(a", "close every group"),
        ("a)", "open every group"),
        ("[a", "close every class"),
        ("*a", "globs belong under 'tags'"),
        ("a{1001}", "repeat at most 1000 times"),
        ("((a{100}){100}){100}", "repeat at most 1000 times"),
        (r"\pL", "tags are ASCII"),
        ("(?P<a b>x)", "a group is written"),
    ],
)
def test_an_expression_that_does_not_compile_is_refused_with_a_cure(regex: str, cure: str) -> None:
    with pytest.raises(ValueError, match=re.escape(cure)):
        TagRegex(regex)


def test_an_expression_that_is_too_long_or_empty_is_refused() -> None:
    for text in ("", "a" * 513):
        with pytest.raises(InvalidNameError, match="regular expression of at most 512"):
            TagRegex(text)


def test_a_hostile_expression_in_a_complaint_cannot_paint_the_terminal() -> None:
    with pytest.raises(ValueError, match="RE2 cannot compile") as refused:
        TagRegex("(\x1b[2J")

    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("regex", ["(a+)+b", "(a|aa)*b", "(.*a){20}b", "((a?){30}){30}b"])
def test_an_expression_made_to_backtrack_takes_no_time(regex: str) -> None:
    pattern = TagRegex(regex)
    started = time.monotonic()

    assert not matches(pattern, "a" * 128)
    assert pattern.captured("a" * 128) == {}

    assert time.monotonic() - started < _SECONDS


def test_many_large_expressions_are_refused_before_any_tag_is_held_against_them() -> None:
    hostile = [TagRegex(f"(?:.?){{500}}(?:.?){{500}}x{number}") for number in range(20)]
    started = time.monotonic()

    with pytest.raises(PolicyError, match="too large together"):
        PatternSet(hostile)

    assert time.monotonic() - started < _SECONDS


def test_thousands_of_common_patterns_fit_together() -> None:
    patterns = [TagGlob(f"release-{number}-*") for number in range(4_000)]

    assert list(PatternSet(patterns).matching("release-3999-rc")) == [3999]


def test_patterns_are_known_by_their_place() -> None:
    together = PatternSet([TagGlob("a*"), TagRegex(".*b"), TagGlob("c")])

    assert sorted(together.matching("ab")) == [0, 1]
    assert list(together.matching("c")) == [2]
    assert list(together.matching("d")) == []
    assert list(PatternSet([]).matching("a")) == []


@pytest.mark.parametrize(
    ("glob", "inside", "outside"),
    [
        ("ghcr.io/acme/web", "ghcr.io/acme/web", "ghcr.io/acme/web2 ghcr.io/acme/web/api"),
        ("ghcr.io/acme/*", "ghcr.io/acme/web", "ghcr.io/acme/web/api ghcr.io/acmex/web"),
        ("ghcr.io/acme/**", "ghcr.io/acme/web ghcr.io/acme/web/api", "ghcr.io/other/web"),
        ("ghcr.io/*/web", "ghcr.io/acme/web", "ghcr.io/acme/x/web"),
        ("ghcr.io/**/web", "ghcr.io/acme/web ghcr.io/acme/x/web", "ghcr.io/acme/web2"),
        ("localhost:5000/a-*", "localhost:5000/a-b", "localhost:5001/a-b"),
    ],
)
def test_in_a_repository_pattern_a_star_stops_at_a_slash(
    glob: str, inside: str, outside: str
) -> None:
    pattern = RepositoryGlob(glob)

    assert [one for one in inside.split() if not pattern.matches(Repository(one))] == []
    assert [one for one in outside.split() if pattern.matches(Repository(one))] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io",
        "ghcr.io/",
        "*/web",
        "https://ghcr.io/acme/web",
        "ghcr.io/Acme/*",
        "ghcr.io/acme/web:latest",
        "ghcr.io/acme/",
        "ghcr.io/acme//web",
    ],
)
def test_any_other_text_is_no_repository_pattern(text: str) -> None:
    with pytest.raises(InvalidNameError, match="repository|in a path"):
        RepositoryGlob(text)


def test_a_repository_pattern_without_wildcard_is_the_repository() -> None:
    assert RepositoryGlob("ghcr.io/acme/web").literal == Repository("ghcr.io/acme/web")
    assert RepositoryGlob("ghcr.io/acme/*").literal is None
    assert RepositoryGlob("ghcr.io/acme/*").registry == "ghcr.io"


def test_a_type_pattern_matches_the_whole_type() -> None:
    charts = TypeGlob("application/vnd.cncf.helm.*")

    assert charts.matches("application/vnd.cncf.helm.config.v1+json")
    assert not charts.matches("application/vnd.cncf.helm")
    assert not charts.matches("x-application/vnd.cncf.helm.config.v1+json")
