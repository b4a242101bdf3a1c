"""What a change of a policy does: which images change sides, because of what, and what is first."""

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.core.compare import compare
from reconciler.model.comparison import PolicyEdit, RepositoryDifference, Shift
from reconciler.model.inventory import Version
from tests.support.inventories import case, digest, image, index, name_of, observed, policy

Document = Mapping[str, Any]

MOVING = {"name": "moving", "match": {"tags": ["latest", "main"]}}
COMMITS = {"name": "commits", "match": {"tags": ["sha-*"]}, "keep": {"last": 3}}
PREVIEWS = {"name": "previews", "match": {"tags": ["pr-*"]}, "keep": {"within": "7d"}}
EVERYTHING = {"name": "all", "match": {"any": True}, "keep": {"none": True}}
BUILDS = [image(f"c{number}", f"sha-{number}", age=f"{10 + number}d") for number in range(5)]


def rules(*rules: Document, **rest: Any) -> dict[str, Any]:
    """Write a policy of some rules."""
    return {"rules": list(rules), **rest}


def changed(
    before: Document | None, after: Document | None, *seen: Version
) -> RepositoryDifference:
    """Compare two policies on some versions; None is no policy."""
    court = case(after or before or {}, *seen)
    old, new = (policy(side) if side else None for side in (before, after))
    return compare(court, old, new)


def told(shifts: tuple[Shift, ...]) -> list[tuple[list[str], list[str]]]:
    """Name the edits and the images of each shift."""
    return [
        (
            [f"{edit.path}: {edit.before} -> {edit.after}" for edit in shift.because],
            [name_of(fate.digest) for fate in shift.images],
        )
        for shift in shifts
    ]


def test_a_smaller_number_is_named_with_the_images_it_costs() -> None:
    fewer = {**COMMITS, "keep": {"last": 1}}

    found = changed(rules(COMMITS), rules(fewer), *BUILDS)

    assert told(found.added) == [(["commits.keep.last: 3 -> 1"], ["c1", "c2"])]
    assert found.spared == ()


def test_a_larger_number_is_named_with_the_images_it_spares() -> None:
    more = {**COMMITS, "keep": {"last": 4}}

    found = changed(rules(COMMITS), rules(more), *BUILDS)

    assert told(found.spared) == [(["commits.keep.last: 3 -> 4"], ["c3"])]
    assert found.added == ()


def test_each_image_tells_both_verdicts() -> None:
    fewer = {**COMMITS, "keep": {"last": 1}}

    (shift,) = changed(rules(COMMITS), rules(fewer), *BUILDS).added

    assert shift.images[0].before == ("commits: rank 2 of sha-* vs last 3",)
    assert shift.images[0].after == ("commits: rank 2 of sha-* vs last 1",)


def test_changes_of_several_rules_are_told_apart() -> None:
    previews = image("p", "pr-1", age="5d")
    fewer, shorter = {**COMMITS, "keep": {"last": 1}}, {**PREVIEWS, "keep": {"within": "2d"}}

    found = changed(rules(COMMITS, PREVIEWS), rules(fewer, shorter), previews, *BUILDS)

    assert told(found.added) == [
        (["commits.keep.last: 3 -> 1"], ["c1", "c2"]),
        (['previews.keep.within: "7d" -> "2d"'], ["p"]),
    ]


def test_what_follows_an_image_is_counted_with_it() -> None:
    amd64, arm64 = image("amd64"), image("arm64")
    build = index("build", "sha-9", lists=[amd64, arm64], age="20d")
    fewer = {**COMMITS, "keep": {"last": 1}}

    found = changed(rules(COMMITS), rules(fewer), build, amd64, arm64, BUILDS[0])

    assert [(shift.versions, len(shift.images)) for shift in found.added] == [(3, 1)]


def test_a_new_rule_is_what_makes_unknown_tags_go() -> None:
    found = changed(rules(COMMITS), rules(COMMITS, PREVIEWS), image("p", "pr-1"))

    assert told(found.added) == [
        (
            ['previews:  -> {"keep": {"within": "7d"}, "match": {"tags": ["pr-*"]}}'],
            ["p"],
        )
    ]


def test_ignored_tags_are_what_makes_an_image_go() -> None:
    both = image("both", "sha-9", "customer", age="90d")

    found = changed(rules(COMMITS), rules(COMMITS, unmatched_tags="ignore"), both, *BUILDS[:3])

    assert told(found.added) == [(['unmatched_tags: "keep" -> "ignore"'], ["both"])]


def test_a_shorter_min_age_is_what_makes_an_image_go() -> None:
    young = image("young", age="10h")
    guards = {"max_delete": 9, "max_delete_percent": 100, "never_empty": False}

    found = changed(
        rules(EVERYTHING, guards={**guards, "min_age": "24h"}),
        rules(EVERYTHING, guards={**guards, "min_age": "1h"}),
        young,
    )

    assert told(found.added) == [(['guards.min_age: "24h" -> "1h"'], ["young"])]
    assert [weak.edits[0].path for weak in found.weakened] == ["guards.min_age"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_renamed_rule_with_the_same_matches_changes_nothing(order: int) -> None:
    renamed = [{**COMMITS, "name": "builds"}, PREVIEWS][::order]

    found = changed(rules(COMMITS, PREVIEWS), rules(*renamed), image("p", "pr-1"), *BUILDS)

    assert (found.edits, found.added, found.spared) == ((), (), ())


def test_lists_in_another_order_change_nothing() -> None:
    turned = {**MOVING, "match": {"tags": ["main", "latest"]}}

    found = changed(rules(COMMITS, protect=[MOVING]), rules(COMMITS, protect=[turned]))

    assert (found.edits, found.weakened) == ((), ())


def test_a_removed_protection_counts_who_loses_it_and_who_goes() -> None:
    latest, main = image("latest", "latest"), image("main", "main", "pr-1", age="2d")
    judging = (EVERYTHING, PREVIEWS)

    found = changed(rules(*judging, protect=[MOVING]), rules(*judging), latest, main)

    (weak,) = found.weakened
    assert [edit.path for edit in weak.edits] == ["moving"]
    assert (weak.images, weak.going) == (2, 1)
    assert [images for _, images in told(found.added)] == [["latest"]]


def test_a_removed_protection_of_nothing_is_told_as_well() -> None:
    found = changed(rules(COMMITS, protect=[MOVING]), rules(COMMITS), *BUILDS)

    assert [(weak.edits[0].path, weak.images) for weak in found.weakened] == [("moving", 0)]


def test_a_renamed_protection_is_not_weaker() -> None:
    renamed = {**MOVING, "name": "branches"}

    found = changed(
        rules(EVERYTHING, protect=[MOVING]),
        rules(EVERYTHING, protect=[renamed]),
        image("a", "main"),
    )

    assert (found.weakened, found.added) == ((), ())


@pytest.mark.parametrize(
    "after",
    [
        {**MOVING, "match": {"tags": ["latest", "main", "edge"]}},
        {**MOVING, "match": {"tags": ["latest", "main", "release-*", "v*"]}},
    ],
)
def test_a_wider_protection_is_not_weaker(after: Document) -> None:
    found = changed(rules(COMMITS, protect=[MOVING]), rules(COMMITS, protect=[after]))

    assert found.weakened == ()
    assert [edit.path for edit in found.edits] == ["moving.match.tags"]


@pytest.mark.parametrize(
    ("after", "path"),
    [
        ({**MOVING, "match": {"tags": ["latest"]}}, "moving.match.tags"),
        ({**MOVING, "keep": {"within": "90d"}}, "moving.keep"),
        ({**MOVING, "match": {**MOVING["match"], "except": ["main"]}}, "moving.match.except"),  # type: ignore[dict-item]
    ],
)
def test_a_narrower_protection_is_weaker_whatever_it_protects_now(
    after: Document, path: str
) -> None:
    found = changed(rules(COMMITS, protect=[MOVING]), rules(COMMITS, protect=[after]))

    assert [edit.path for weak in found.weakened for edit in weak.edits] == [path]


def test_a_protection_by_digest_is_told_by_its_name() -> None:
    pinned = {"name": "pinned", "digests": [digest("a")]}

    found = changed(rules(EVERYTHING, protect=[pinned]), rules(EVERYTHING), image("a"))

    assert [edit.path for edit in found.added[0].because] == ["pinned"]
    assert (found.weakened[0].images, found.weakened[0].going) == (1, 1)


@pytest.mark.parametrize(
    ("guards", "weaker"),
    [
        ({"max_delete": 5000}, ["guards.max_delete"]),
        ({"max_delete": 5}, []),
        ({"max_delete_percent": 90}, ["guards.max_delete_percent"]),
        ({"never_empty": False}, ["guards.never_empty"]),
        ({"min_age": "48h"}, []),
    ],
)
def test_guards_that_let_more_pass_are_weaker(guards: Document, weaker: list[str]) -> None:
    found = changed(rules(COMMITS, guards={}), rules(COMMITS, guards=guards))

    assert [edit.path for weak in found.weakened for edit in weak.edits] == weaker


def test_a_repository_newly_claimed_loses_all_that_goes() -> None:
    found = changed(None, rules(COMMITS), *BUILDS)

    assert (found.before, found.after) == ("", "web")
    assert told(found.added) == [([], ["c3", "c4"])]
    assert found.weakened == ()


def test_a_repository_that_no_policy_governs_any_more_is_left_alone() -> None:
    found = changed(rules(COMMITS, protect=[MOVING]), None, *BUILDS)

    assert (found.before, found.after) == ("web", "")
    assert told(found.spared) == [([], ["c3", "c4"])]
    assert found.weakened == ()


def test_what_was_refused_or_held_before_stays_on_both_sides() -> None:
    seen = observed(c3={"held": True}, c4={"retained": "in use", "tags": ("sha-4",)})
    court = case(rules(COMMITS), *BUILDS, seen=seen)

    found = compare(court, policy(rules(COMMITS)), policy(rules({**COMMITS, "keep": {"last": 2}})))

    assert told(found.added) == [(["commits.keep.last: 3 -> 2"], ["c2"])]


def test_an_edit_knows_its_place() -> None:
    assert PolicyEdit(part="rule", name="commits", key="keep.last").path == "commits.keep.last"
    assert PolicyEdit(part="policy", key="guards.min_age").path == "guards.min_age"
