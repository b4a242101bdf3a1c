"""What one rule says: rank, age, calendar and extra, each with its distance."""

import pytest

from tests.support.inventories import (
    doomed,
    image,
    planned,
)
from tests.support.one_rule import aged, kept, said

SHA = 'match: {tags: ["sha-*"]}'


def test_all_and_none_say_so_without_distances() -> None:
    assert said(f"{SHA}, keep: {{all: true}}", *aged("9d")) == {"a": "all"}
    assert said(f"{SHA}, keep: {{none: true}}", *aged("9d")) == {"a": "none"}


def test_last_keeps_the_newest_and_tells_every_rank() -> None:
    assert said(f"{SHA}, keep: {{last: 2}}", *aged("9d", "2d", "5d")) == {
        "a": "rank 3 of sha-* vs last 2",
        "b": "rank 1 of sha-* vs last 2",
        "c": "rank 2 of sha-* vs last 2",
    }
    assert kept(f"{SHA}, keep: {{last: 2}}", *aged("9d", "2d", "5d")) == ["b", "c"]


def test_a_tie_for_the_last_place_keeps_all_that_tie() -> None:
    assert said(f"{SHA}, keep: {{last: 2}}", *aged("9d", "9d", "9d", "2d", "10d")) == {
        "a": "rank 2 of sha-* vs last 2, tied with 2 others",
        "b": "rank 2 of sha-* vs last 2, tied with 2 others",
        "c": "rank 2 of sha-* vs last 2, tied with 2 others",
        "d": "rank 1 of sha-* vs last 2",
        "e": "rank 5 of sha-* vs last 2",
    }
    assert kept(f"{SHA}, keep: {{last: 2}}", *aged("9d", "9d", "9d", "2d", "10d")) == list("abcd")


def test_a_tie_that_all_win_or_all_lose_is_none() -> None:
    assert said(f"{SHA}, keep: {{last: 2}}", *aged("2d", "2d", "9d", "9d")) == {
        "a": "rank 1 of sha-* vs last 2",
        "b": "rank 1 of sha-* vs last 2",
        "c": "rank 3 of sha-* vs last 2",
        "d": "rank 3 of sha-* vs last 2",
    }


def test_a_tie_for_what_extra_gives_keeps_all_that_tie() -> None:
    rule = f"{SHA}, keep: {{last: 1, extra: 1}}"

    assert kept(rule, *aged("1d", "9d", "9d", "10d")) == ["a", "b", "c"]
    assert said(rule, *aged("1d", "9d", "9d", "10d"))["b"] == (
        "rank 2 of sha-* vs last 1; rank 1 of the remaining vs extra 1, tied with 1 other"
    )


def test_the_newest_of_a_bucket_are_all_that_tie() -> None:
    rule = f"{SHA}, keep: {{daily: 1}}"

    assert kept(rule, *aged("9h", "9h", "10h")) == ["a", "b"]
    assert said(rule, *aged("9h", "9h", "10h")) == {
        "a": "newest of 2026-11-02 vs daily 1, tied with 1 other",
        "b": "newest of 2026-11-02 vs daily 1, tied with 1 other",
        "c": "in 2026-11-02 vs daily 1",
    }


def test_what_the_first_run_saw_has_no_order() -> None:
    """A repository of six images: without push times nobody knows which is the newest."""
    rule = f"{SHA}, order_by: first_seen, keep: {{last: 2}}"
    first = [image(n, f"sha-{n}", age=None, first_seen="1d") for n in "abcdef"]
    later = [image(n, f"sha-{n}", age=None, first_seen="0h") for n in "gh"]

    assert kept(rule, *first) == list("abcdef")
    assert kept(rule, *first, *later) == ["g", "h"]


def test_the_push_time_decides_between_equals_only_if_it_is_known_of_all() -> None:
    rule = "match: {regex: 'n-(?P<day>.*)-.'}, order_by: 'date:day', keep: {last: 1}"
    a, b = image("a", "n-20261030-a", age="1d"), image("b", "n-20261030-b", age="2d")
    unknown = image("c", "n-20261030-c", age=None)
    ancient = image("d", "n-20261030-d", age="9000d")

    assert kept(rule, a, b) == ["a"]
    assert kept(rule, a, b, unknown) == ["a", "b", "c"]
    assert kept(rule, a, b, ancient) == ["a", "b", "d"]


def test_a_plan_says_how_many_a_tie_keeps() -> None:
    document = f"rules: [{{name: r, {SHA}, keep: {{last: 2}}}}]"

    told = (
        "r: 3 images with equal pushed compete for the last places: their order is not known,"
        " so all of them are kept"
    )
    assert planned(document, *aged("9d", "9d", "9d", "2d")).warnings == (told,)
    assert planned(document, *aged("9d", "8d", "7d")).warnings == ()


def test_a_plan_names_a_capture_whose_values_are_mostly_no_dates() -> None:
    document = r"""
    rules: [{name: r, match: {regex: 'b-(?P<at>.*)'}, age_by: 'date:at', keep: {within: 7d}}]
    """
    versions = [
        image(n, f"b-{t}") for n, t in zip("abc", ("20260101", "7001", "7002"), strict=True)
    ]

    told = (
        "r: 2 of 3 values of 'at' are not dates, such as 7001: images with these tags count as new;"
        " correct the regex"
    )
    assert planned(document, *versions).warnings == (
        told,
        "r: the age or order of 2 images is unknown or in the future: counted as new",
    )


def test_seconds_since_1970_in_tags_are_read_where_all_are_that() -> None:
    rule = "match: {regex: 'b-(?P<at>.*)'}, age_by: 'date:at', keep: {within: 7d}"
    versions = [image("a", "b-1793000000"), image("b", "b-1700000000")]

    assert said(rule, *versions) == {
        "a": "age 7d 4h vs within 7d",
        "b": "age 1083d vs within 7d",
    }
    assert kept(rule, *versions) == []
    assert kept(rule, *versions, image("c", "b-main")) == ["a", "b", "c"]


def test_within_keeps_what_is_younger_and_not_what_is_as_old() -> None:
    versions = aged("719h", "30d", "31d")

    assert kept(f"{SHA}, keep: {{within: 30d}}", *versions) == ["a"]
    assert said(f"{SHA}, keep: {{within: 30d}}", *versions) == {
        "a": "age 29d vs within 30d",
        "b": "age 30d vs within 30d",
        "c": "age 31d vs within 30d",
    }


def test_one_reason_is_enough_and_all_are_told() -> None:
    rule = f"{SHA}, keep: {{last: 1, within: 3d, extra: 1}}"

    assert said(rule, *aged("9d", "10d", "11d", "1d")) == {
        "a": "rank 2 of sha-* vs last 1; age 9d vs within 3d; rank 1 of the remaining vs extra 1",
        "b": "rank 3 of sha-* vs last 1; age 10d vs within 3d; rank 2 of the remaining vs extra 1",
        "c": "rank 4 of sha-* vs last 1; age 11d vs within 3d; rank 3 of the remaining vs extra 1",
        "d": "rank 1 of sha-* vs last 1; age 24h vs within 3d",
    }
    assert kept(rule, *aged("9d", "10d", "11d", "1d")) == ["a", "d"]


def test_daily_keeps_the_newest_of_each_of_the_latest_days_that_have_any() -> None:
    versions = aged("1h", "2h", "30h", "31h", "10d")

    assert kept(f"{SHA}, keep: {{daily: 2}}", *versions) == ["a", "c"]
    assert said(f"{SHA}, keep: {{daily: 2}}", *versions) == {
        "a": "newest of 2026-11-02 vs daily 2",
        "b": "in 2026-11-02 vs daily 2",
        "c": "newest of 2026-11-01 vs daily 2",
        "d": "in 2026-11-01 vs daily 2",
        "e": "in 2026-10-23 vs daily 2",
    }


def test_days_begin_where_the_policy_says() -> None:
    versions = aged("12h", "13h")

    assert kept(f"{SHA}, keep: {{daily: 5}}", *versions) == ["a", "b"]
    assert kept(f"{SHA}, keep: {{daily: 5}}", *versions, zone="Europe/Berlin") == ["a"]


@pytest.mark.parametrize(
    ("keep", "names"),
    [
        ("hourly: 2", ["a", "b"]),
        ("weekly: 2", ["a", "c"]),
        ("monthly: 2", ["a", "d"]),
        ("yearly: 1", ["a"]),
        ("daily: 3, weekly: 3", ["a", "c", "d"]),
    ],
)
def test_each_bucket_has_its_own_calendar(keep: str, names: list[str]) -> None:
    versions = aged("1h", "3h", "30h", "8d", "9d")

    assert kept(f"{SHA}, keep: {{{keep}}}", *versions) == names


def test_a_bucket_as_a_span_reaches_that_far_back() -> None:
    versions = aged("1h", "30h", "3d", "10d")

    assert kept(f"{SHA}, keep: {{daily: 3d}}", *versions) == ["a", "b"]
    assert said(f"{SHA}, keep: {{daily: 3d}}", *versions)["c"] == "in 2026-10-30 vs daily 3d"


def test_a_bucket_as_a_span_looks_at_the_images_themselves() -> None:
    rule = "match: {any: true}, order_by: created, keep: {monthly: 30d}"
    old, young = image("a", "x", age="31d", created="1d"), image("b", "y", age="20d", created="9d")

    assert kept(rule, old, young) == ["b"]
    assert kept(rule, young) == ["b"]


def test_groups_are_counted_apart_and_named() -> None:
    rule = r"match: {regex: 'pr-(?P<pr>\d+)-(?P<arch>\w+)'}, group_by: [pr, arch], keep: {last: 1}"
    versions = (
        image("a", "pr-1-amd", age="1d"),
        image("b", "pr-1-arm", age="2d"),
        image("c", "pr-2-arm", age="3d"),
        image("d", "pr-01-arm", age="9d"),
        image("e", "pr-1-arm-2", age="9d"),
    )

    assert said(rule, *versions) == {
        "a": "rank 1 of 1/amd vs last 1",
        "b": "rank 1 of 1/arm vs last 1",
        "c": "rank 1 of 2/arm vs last 1",
        "d": "rank 1 of 01/arm vs last 1",
    }


def test_versions_are_ranked_as_versions_and_grouped_by_minor() -> None:
    rule = 'match: {semver: ">=0"}, group_by: [minor], keep: {last: 1}'
    versions = (
        image("a", "1.2.9", age="1d"),
        image("b", "1.2.10", age="9d"),
        image("c", "v1.3.0", age="99d"),
        image("d", "2.0.0-rc.1"),
    )

    assert said(rule, *versions) == {
        "a": "rank 2 of 1.2 vs last 1",
        "b": "rank 1 of 1.2 vs last 1",
        "c": "rank 1 of 1.3 vs last 1",
    }


def test_versions_that_differ_in_build_metadata_alone_rank_by_push_time() -> None:
    rule = 'match: {semver: ">=0"}, keep: {last: 1}'

    assert kept(rule, image("a", "1.0.0_b9", age="9d"), image("b", "1.0.0_b10", age="1d")) == ["b"]


@pytest.mark.parametrize(
    ("order", "names"), [("int:n", ["b"]), ("text:n", ["a"]), ("pushed", ["c"])]
)
def test_captures_sort_as_the_type_they_are_read_as(order: str, names: list[str]) -> None:
    rule = f"match: {{regex: 'b-(?P<n>.*)'}}, order_by: '{order}', keep: {{last: 1}}"
    versions = (
        image("a", "b-9", age="8d"),
        image("b", "b-10", age="9d"),
        image("c", "b-1", age="1d"),
    )

    assert kept(rule, *versions) == names


def test_dates_in_tags_are_what_ages_and_buckets_count_from() -> None:
    rule = (
        r"match: {regex: 'n-(?P<day>\d+)'}, order_by: 'date:day', age_by: 'date:day',"
        " keep: {within: 7d}"
    )
    versions = (image("a", "n-20261030"), image("b", "n-20261020", age="1h"))

    assert said(rule, *versions) == {"a": "age 3d vs within 7d", "b": "age 13d vs within 7d"}


def test_of_several_dates_the_latest_counts() -> None:
    rule = r"match: {regex: 'n-(?P<day>\d+)'}, age_by: 'date:day', keep: {within: 7d}"

    assert kept(rule, image("a", "n-20200101", "n-20261030")) == ["a"]


def test_an_image_with_several_tags_counts_once_by_its_best_one() -> None:
    rule = "match: {regex: 'b-(?P<n>.*)'}, order_by: 'int:n', keep: {last: 2}"
    versions = (image("a", "b-1", "b-9", "b-8"), image("b", "b-7"), image("c", "b-6"))

    assert said(rule, *versions) == {
        "a": "rank 1 of b-(?P<n>.*) vs last 2",
        "b": "rank 2 of b-(?P<n>.*) vs last 2",
        "c": "rank 3 of b-(?P<n>.*) vs last 2",
    }


def test_the_pool_is_ranked_whole_whatever_else_keeps_its_images() -> None:
    document = """
    protect: [{name: p, match: {tags: [latest]}}]
    rules: [{name: r, match: {tags: ["sha-*"]}, keep: {last: 1}}]
    """

    assert doomed(document, image("a", "sha-a", "latest", age="1d"), image("b", "sha-b")) == ["b"]
