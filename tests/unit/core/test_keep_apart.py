"""What cannot be ranked, and what only speaks of images elsewhere, takes no image's place."""

import pytest

from tests.support.inventories import (
    cosign_tag,
    decisions,
    image,
    name_of,
    planned,
    referrer,
    signature,
)
from tests.support.one_rule import aged, kept, said

SHA = 'match: {tags: ["sha-*"]}'


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
        "r: the age or order of 2 images is unknown or in the future: counted as new",
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


def test_one_date_of_several_that_cannot_be_read_puts_the_image_in_doubt() -> None:
    rule = r"match: {regex: 'n-(?P<day>\d+)'}, age_by: 'date:day', keep: {within: 7d}"

    assert kept(rule, image("a", "n-20200101", "n-20269999"), image("b", "n-20200102")) == ["a"]


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
        "r: the age or order of 1 image is unknown or in the future: counted as new",
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
