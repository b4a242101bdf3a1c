"""Which tags are versions, how versions sort, and which ranges admit them."""

from itertools import pairwise

import pytest

from reconciler.errors import InvalidNameError
from reconciler.model.semver import SemVerRange, parse_semver


def admitted(text: str, tag: str) -> bool:
    version = parse_semver(tag)
    assert version
    return SemVerRange(text).admits(version)


@pytest.mark.parametrize(
    "tag",
    [
        "0.0.0",
        "1.2.3",
        "v1.2.3",
        "1.2.3-rc.1",
        "1.2.3-0.a-b.7",
        "1.2.3+build.5",
        "1.2.3_build.5",
        "1.2.3-rc.1_build",
        "999999999999999999.0.0",
    ],
)
def test_three_numbers_are_a_version(tag: str) -> None:
    assert parse_semver(tag) is not None


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "1",
        "1.2",
        "1.2.3.4",
        "V1.2.3",
        "vv1.2.3",
        "01.2.3",
        "1.02.3",
        "1.2.3-",
        "1.2.3-01",
        "1.2.3-a..b",
        "1.2.x",
        "1.2.3 ",
        "1.2.3\n",
        "release-1.2.3",
        "1.2.3.Final",
        "9999999999999999999.0.0",
    ],
)
def test_any_other_tag_is_none(tag: str) -> None:
    assert parse_semver(tag) is None


def test_versions_sort_in_semver_precedence() -> None:
    in_order = [
        *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
        *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1-0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"),
    ]

    versions = [version for tag in in_order if (version := parse_semver(tag))]

    assert len(versions) == 13
    assert all(lower < higher for lower, higher in pairwise(versions))


def test_build_metadata_orders_nothing() -> None:
    assert parse_semver("1.2.3_b9") == parse_semver("1.2.3_b10") == parse_semver("v1.2.3")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=0", "0.0.0 0.0.0-rc.1 99.0.0", ""),
        (">=1.2 <2", "1.2.0 1.99.9 1.2.0-rc.1", "1.1.9 2.0.0 2.0.0-rc.1"),
        (">=1.2, <2", "1.2.0 1.99.9", "1.1.9 2.0.0"),
        (">1.2", "1.3.0 2.0.0", "1.2.0 1.2.9"),
        (">1.2.3", "1.2.4", "1.2.3 1.2.3-rc.1"),
        ("<=1.2", "1.2.0 1.2.9 0.1.0", "1.3.0"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        ("1", "1.0.0 1.9.9", "0.9.9 2.0.0"),
        ("=1.2", "1.2.0 1.2.9", "1.3.0"),
        ("1.2.3", "1.2.3 1.2.3-rc.1", "1.2.4 1.2.2"),
        ("v1.2.3", "1.2.3", "1.2.4"),
        ("!=1.2.3", "1.2.4 1.2.2", "1.2.3"),
        ("!=1.2", "1.3.0 1.1.9", "1.2.0 1.2.9"),
        ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.2 0.0.4"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.0 0.9.0", "1.0.0"),
        ("~1.2.3", "1.2.3 1.2.9", "1.2.2 1.3.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("<1 || >=2", "0.9.0 2.0.0", "1.0.0 1.9.9"),
        (">=1.0.0-rc.2", "1.0.0-rc.2 1.0.0-rc.10 1.0.0", "1.0.0-rc.1 0.9.9"),
        (">1.0.0-rc.2", "1.0.0-rc.3 1.0.0-rc.2.1 1.0.0", "1.0.0-rc.2"),
        ("<=1.0.0-rc.2", "1.0.0-rc.2 1.0.0-rc.1", "1.0.0-rc.3 1.0.0-rc.2.1 1.0.0"),
        ("<1.0.0-rc.2", "1.0.0-rc.1 0.9.9", "1.0.0-rc.2 1.0.0"),
        ("1.0.0-rc.2", "1.0.0-rc.2", "1.0.0-rc.1 1.0.0-rc.2.1 1.0.0"),
        ("!=1.0.0-rc.2", "1.0.0-rc.1 1.0.0", "1.0.0-rc.2"),
        ("^1.0.0-rc.2", "1.0.0-rc.2 1.0.0 1.9.0", "1.0.0-rc.1 2.0.0 2.0.0-rc.1"),
        ("~1.0.0-rc.2", "1.0.0-rc.2 1.0.9", "1.1.0 1.1.0-rc.1"),
    ],
)
def test_a_range_admits_what_it_says(text: str, inside: str, outside: str) -> None:
    assert [tag for tag in inside.split() if not admitted(text, tag)] == []
    assert [tag for tag in outside.split() if admitted(text, tag)] == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "x",
        "1.x",
        "1.2.3.4",
        ">",
        ">=",
        "=>1",
        "1 -",
        "||",
        "1 ||",
        "latest",
        "1" * 257,
        "1.2.3-01",
        "1.2.3-a..b",
        ">=01",
        "1,,2",
        "1 " * 40,
    ],
)
def test_any_other_text_is_no_range(text: str) -> None:
    with pytest.raises(InvalidNameError, match="is not a version range"):
        SemVerRange(text)


def test_a_range_made_to_be_slow_is_refused_in_no_time() -> None:
    with pytest.raises(InvalidNameError):
        SemVerRange(("1" + " " * 7) * 31 + "x")
