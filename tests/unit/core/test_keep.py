"""What one rule says: rank, age, calendar and extra, each with its distance."""

import pytest

from reconciler.model.inventory import Version
from tests.support.inventories import (
    cosign_tag,
    decisions,
    doomed,
    image,
    name_of,
    planned,
    referrer,
    signature,
)


def said(rule: str, *versions: Version) -> dict[str, str]:
    """Return what the only rule says of each image, by name."""
    decided = decisions(f"rules: [{{name: r, {rule}}}]", *versions).images
    return {name_of(d): one.opinions[0].reason for d, one in decided.items() if one.opinions}


def kept(rule: str, *versions: Version, zone: str = "UTC") -> list[str]:
    """Return the names of the images that the only rule keeps, sorted."""
    decided = decisions(f"timezone: {zone}\nrules: [{{name: r, {rule}}}]", *versions).images
    return [name_of(d) for d, one in decided.items() if any(o.keeps for o in one.opinions)]


def aged(*ages: str) -> list[Version]:
    """Build images named by letters, one for each age, tagged `sha-a` and so on."""
    return [
        image(name, f"sha-{name}", age=age) for name, age in zip("abcdefgh", ages, strict=False)
    ]


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


def test_images_of_one_age_rank_in_digest_order() -> None:
    assert kept(f"{SHA}, keep: {{last: 2}}", *aged("9d", "9d", "9d")) == ["a", "b"]


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
        "a": "rank 2 of sha-* vs last 1; age 9d vs within 3d; number 1 of those left vs extra 1",
        "b": "rank 3 of sha-* vs last 1; age 10d vs within 3d; number 2 of those left vs extra 1",
        "c": "rank 4 of sha-* vs last 1; age 11d vs within 3d; number 3 of those left vs extra 1",
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


def test_an_unknown_or_future_time_counts_as_new_alone_and_is_told_in_a_warning() -> None:
    document = f"rules: [{{name: r, {SHA}, keep: {{last: 1, within: 7d}}}}]"
    versions = (*aged("1d", "8d"), image("c", "sha-c", age=None), image("d", "sha-d", age="-9h"))

    decided = decisions(document, *versions).images

    reasons = {name_of(d): one.opinions[0].reason for d, one in decided.items()}
    assert reasons == {
        "a": "rank 1 of sha-* vs last 1; age 24h vs within 7d",
        "b": "rank 2 of sha-* vs last 1; age 8d vs within 7d",
        "c": "rank 1 of unknown in sha-* vs last 1; age 0h vs within 7d",
        "d": "rank 1 of unknown in sha-* vs last 1; age 0h vs within 7d",
    }
    assert planned(document, *versions).warnings == (
        "r: 2 images count as new: its age or order is unknown or lies in the future",
    )


@pytest.mark.parametrize("order", ["int:n", "date:n", "text:n"])
def test_a_capture_that_cannot_be_read_is_kept_and_takes_no_place(order: str) -> None:
    rule = f"match: {{regex: '(?:b-(?P<n>.*)|x|y)'}}, order_by: '{order}', keep: {{last: 1}}"
    read = (image("a", "b-20260131"), image("b", "b-20260130"))

    assert kept(rule, *read, image("c", "x"), image("d", "y")) == ["a", "c", "d"]


def test_an_unreadable_date_takes_no_day_from_the_images_of_that_day() -> None:
    dates = "order_by: 'date:day', age_by: 'date:day'"
    rule = rf"match: {{regex: 'n-(?P<day>\d+)'}}, {dates}, keep: {{daily: 1}}"

    assert kept(rule, image("a", "n-20261102"), image("b", "n-20269999")) == ["a", "b"]


def test_an_image_of_unknown_rank_still_goes_by_an_age_that_is_known() -> None:
    rule = "match: {regex: '(?:b-(?P<n>.*)|x)'}, order_by: 'int:n', keep: {daily: 7d}"

    assert kept(rule, image("a", "x", age="6d"), image("b", "b-x", age="7d")) == ["a"]


def test_a_date_that_no_calendar_has_counts_as_new_and_is_told_in_a_warning() -> None:
    document = r"""
    rules: [{name: r, match: {regex: 'n-(?P<day>\d+)'}, age_by: 'date:day', keep: {within: 7d}}]
    """

    plan = planned(document, image("a", "n-20261399"))

    assert not plan.changes
    assert plan.warnings == (
        "r: 1 image counts as new: its age or order is unknown or lies in the future",
    )


def test_keys_that_decide_nothing_are_not_doubted() -> None:
    document = f"rules: [{{name: r, {SHA}, order_by: created, keep: {{within: 7d}}}}]"

    assert planned(document, *aged("1d")).warnings == ()


def test_orphaned_signatures_do_not_use_up_what_is_kept_of_images() -> None:
    rule = 'match: {tags: ["*"]}, keep: {last: 3}'
    images = [image(name, f"v{name}", age=f"{at + 3}d") for at, name in enumerate("abcde")]
    orphans = [
        signature("s", of="gone", age="1d"),
        signature("t", of="lost", age="2d"),
    ]

    assert said(rule, *images, *orphans) == {
        "a": "rank 1 of * vs last 3",
        "b": "rank 2 of * vs last 3",
        "c": "rank 3 of * vs last 3",
        "d": "rank 4 of * vs last 3",
        "e": "rank 5 of * vs last 3",
        "s": "rank 1 of orphans in * vs last 3",
        "t": "rank 2 of orphans in * vs last 3",
    }


def test_orphaned_referrers_are_counted_apart_from_untagged_images() -> None:
    rule = "match: {untagged: true}, keep: {last: 1}"

    assert kept(rule, image("a", age="9d"), referrer("b", of="gone", age="1d")) == ["a", "b"]


def test_an_orphan_with_a_name_of_its_own_is_an_image() -> None:
    rule = 'match: {tags: ["*"]}, keep: {last: 1}'
    named = image("b", cosign_tag("gone"), "keepme", age="1d")

    assert kept(rule, image("a", "v1", age="9d"), named) == ["b"]


def test_the_pool_is_ranked_whole_whatever_else_keeps_its_images() -> None:
    document = """
    protect: [{name: p, match: {tags: [latest]}}]
    rules: [{name: r, match: {tags: ["sha-*"]}, keep: {last: 1}}]
    """

    assert doomed(document, image("a", "sha-a", "latest", age="1d"), image("b", "sha-b")) == ["b"]
