"""A plan says what goes and why, what stays and why, and what people should know."""

import hashlib
from datetime import timedelta

from reconciler.core.planner import listing_digest, plan_repository
from reconciler.model.causes import Cause
from reconciler.model.plan import RepositoryPlan
from reconciler.model.plan_rows import Change
from tests.support.inventories import (
    WEB,
    attestation,
    cache_index,
    case,
    cosign_tag,
    deleted,
    digest,
    image,
    index,
    inventory,
    name_of,
    observed,
    planned,
    referrer,
    signature,
)
from tests.support.time import NOON

COMMITS = """
protect:
  - {name: moving, match: {tags: [latest]}}
rules:
  - {name: commits, match: {tags: ["sha-*"]}, keep: {within: 30d, last: 1}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


def change(plan: RepositoryPlan, name: str) -> Change:
    return next(one for one in plan.changes if name_of(one.digest) == name)


def test_a_change_says_which_version_goes_in_which_order_and_why() -> None:
    plan = planned(COMMITS, image("a", "sha-a"), image("b", "sha-b", age="1d"))

    (one,) = plan.changes
    assert one.key == f"{WEB}@{digest('a')}"
    assert (one.digest, one.action, one.component) == (digest("a"), "delete", 1)
    assert (one.cause, one.rules) == (Cause.EXPIRED, ("commits",))
    assert one.reasons == ("commits: rank 2 of sha-* vs last 1; age 40d vs within 30d",)
    assert one.observed.tags == ("sha-a",)
    assert one.observed.pushed == NOON - timedelta(days=40)


def test_a_change_notes_what_was_seen_of_it() -> None:
    amd = image("amd")
    parts = index("parts", "sha-1", lists=[amd], subject="gone")

    plan = planned(COMMITS, amd, parts, image("b", "sha-b", age="1d"))

    seen = change(plan, "parts").observed
    assert seen.kind == "application/vnd.oci.image.index.v1+json"
    assert (seen.children, seen.subject, seen.size) == ((digest("amd"),), digest("gone"), 1)
    assert change(plan, "amd").version_id == str(int(digest("amd")[7:27], 16))


def test_followers_say_with_whom_they_go() -> None:
    amd = image("amd")
    one = index("one", lists=[amd], age="20d")
    two = index("two", lists=[amd, amd], age="10d")

    plan = planned(COMMITS, amd, one, two)

    assert deleted(plan) == ["one", "two", "amd"]
    assert change(plan, "amd").cause is Cause.FOLLOWS
    assert change(plan, "amd").reasons == (f"deleted with {digest('one')} and 1 more",)
    assert change(plan, "amd").rules == ()
    assert [one.component for one in plan.changes] == [1, 2, 2]


def test_a_follower_of_one_image_names_it_alone_however_often_it_is_linked() -> None:
    web = image("web")
    bundle = referrer("bundle", cosign_tag(web), of=web)

    plan = planned(COMMITS, web, bundle)

    assert change(plan, "bundle").reasons == (f"deleted with {digest('web')}",)


def test_counts_are_of_images_by_the_rule_or_cause_that_keeps_them() -> None:
    plan = planned(
        COMMITS,
        image("a", "sha-a", "latest", age="1d"),
        image("b", "sha-b", age="2d"),
        image("c", "customer-1"),
        image("d", "sha-d"),
        image("e", age="2h"),
        index("f", "sha-f", lists=[image("g")], age="3d"),
        image("g"),
    )

    assert (plan.versions, plan.images, plan.images_deleted) == (7, 6, 1)
    assert plan.kept == {"commits": 2, "dangling": 1, "moving": 1, "unmatched-tag": 1}
    assert sum(plan.kept.values()) + plan.images_deleted == plan.images


def test_what_is_held_or_pinned_is_counted_as_such_though_a_rule_keeps_it_too() -> None:
    document = COMMITS.replace(
        "protect:", f"protect:\n  - {{name: pin, digests: ['{digest('b')}']}}"
    )

    plan = planned(
        document,
        image("a", "sha-a", age="1d"),
        image("b", "sha-b", age="1d"),
        seen=observed(a={"held": True}),
    )

    assert plan.kept == {"held": 1, "protected": 1}
    assert [(name_of(one.key.partition("@")[2]), one.cause) for one in plan.protected] == [
        ("a", Cause.HELD),
        ("b", Cause.PROTECTED),
    ]


def test_protected_images_are_named_with_all_reasons() -> None:
    plan = planned(COMMITS, image("a", "sha-a", "latest"))

    (kept,) = plan.protected
    assert (kept.tags, kept.cause) == (("latest", "sha-a"), Cause.PROTECTED)
    assert kept.reasons == (
        "moving: all",
        "commits: rank 1 of sha-* vs last 1; age 40d vs within 30d",
    )


def test_what_the_registry_retains_is_named() -> None:
    seen = observed(a={"retained": "more than 5,000 downloads", "tags": ("sha-a",)})

    plan = planned(COMMITS, image("a", "sha-a"), image("b", "sha-b", age="1d"), seen=seen)

    assert not plan.changes
    assert plan.retained[0].reasons[0] == "the registry refused: more than 5,000 downloads"


def test_unknown_tags_are_grouped_by_shape_the_largest_family_first() -> None:
    tags = ["customer-acme", "build-1", "build-22", "build-333", "rel-4f3a2b1c", "x", "v1.2-beta"]

    plan = planned(COMMITS, *(image(f"i{at}", tag) for at, tag in enumerate(tags)))

    assert [(one.pattern, one.count, one.example) for one in plan.unmatched] == [
        ("build-*", 3, "build-1"),
        ("customer-acme", 1, "customer-acme"),
        ("rel-*", 1, "rel-4f3a2b1c"),
        ("v*.*-beta", 1, "v1.2-beta"),
        ("x", 1, "x"),
    ]


def test_unknown_tags_are_named_only_where_they_are_what_keeps_an_image() -> None:
    plan = planned(COMMITS, image("a", "latest", "x"), image("b", "sha-b", "y", age="1d"))

    assert plan.unmatched == ()


def test_waiting_images_are_counted_until_the_first_is_old_enough() -> None:
    document = "rules: [{name: all, match: {any: true}, keep: {none: true}}]"

    plan = planned(document, image("a", "x", age="20h"), image("b", "y", age="2h"), image("c"))

    assert plan.waiting
    assert plan.waiting.count == 2
    assert plan.waiting.until == NOON + timedelta(hours=4)
    assert deleted(plan) == ["c"]


def test_an_old_image_waits_until_its_young_signature_is_old_enough() -> None:
    web = image("web", "sha-web")

    plan = planned(COMMITS, web, signature("sig", of=web, age="1h"), image("b", "sha-b", age="1d"))

    assert plan.waiting
    assert plan.waiting.until == NOON + timedelta(hours=23)


def test_nothing_waits_where_all_is_old_enough() -> None:
    assert planned(COMMITS, image("a")).waiting is None


def test_images_that_lack_what_they_list_are_reported() -> None:
    broken = index("a", "v1", lists=["gone", "lost"])
    nameless = index("b", lists=["gone"], age="1d")

    plan = planned(COMMITS, broken, nameless)

    assert plan.missing == (
        f"v1 lists 2 missing: {digest('gone')}",
        f"{digest('b')} lists 1 missing: {digest('gone')}",
    )


def test_a_build_cache_lacks_nothing_and_goes_by_its_rules() -> None:
    plan = planned(COMMITS, cache_index("a", "cache"), cache_index("b"))

    assert plan.missing == ()
    assert deleted(plan) == ["b"]


def test_guards_hold_the_images_and_not_the_versions_against_their_limits() -> None:
    amd, arm = image("amd"), image("arm")
    document = COMMITS + "guards: {max_delete: 1, max_delete_percent: 50}\n"

    plan = planned(document, amd, arm, index("a", lists=[amd, arm]), image("b", "sha-b", age="1d"))

    assert [(guard.name, guard.actual, guard.ok) for guard in plan.guards] == [
        ("max_delete", 1.0, True),
        ("max_delete_percent", 50.0, True),
        ("never_empty", 1.0, True),
    ]
    assert not plan.stopped
    assert len(plan.changes) == 3


def test_a_signature_left_behind_does_not_keep_a_repository_from_being_empty() -> None:
    document = COMMITS + "guards: {max_delete_percent: 100}\n"

    plan = planned(document, image("a"), signature("sig", of="gone"))

    assert deleted(plan) == ["a"]
    assert [(guard.name, guard.actual) for guard in plan.guards if not guard.ok] == [
        ("never_empty", 0.0)
    ]


def test_where_there_are_only_signatures_left_behind_they_count() -> None:
    document = """
        rules: [{name: orphans, match: {tags: ["sha256-*"]}, keep: {last: 1}}]
        guards: {max_delete_percent: 100}
    """

    plan = planned(document, signature("one", of="gone"), signature("two", of="lost", age="50d"))

    assert deleted(plan) == ["two"]
    assert not plan.stopped


def test_an_empty_repository_is_a_whole_plan_without_changes() -> None:
    plan = planned(COMMITS)

    assert (plan.complete, plan.changes, plan.guards, plan.kept) == (True, (), (), {})


def test_provenance_goes_with_its_index_and_stays_with_it() -> None:
    amd = image("amd")
    old, new = attestation("p-old", of=amd), attestation("p-new", of=amd)
    former = index("former", lists=[amd, old])
    current = index("current", "latest", lists=[amd, new])

    assert deleted(planned(COMMITS, amd, old, new, former, current)) == ["former", "p-old"]


def test_the_listing_is_hashed_with_its_digests_tags_and_times() -> None:
    a, b = image("a", "v1"), image("b")
    listing = (
        f'[["{digest("a")}",["v1"],"2026-09-23 12:00:00+00:00"],'
        f'["{digest("b")}",[],"2026-09-23 12:00:00+00:00"]]'
    )

    assert listing_digest(inventory(b, a)) == (
        f"sha256:{hashlib.sha256(listing.encode()).hexdigest()}"
    )
    assert listing_digest(inventory(a, image("b", "v2"))) != listing_digest(inventory(a, b))


def test_a_plan_says_whether_its_deletions_can_be_undone() -> None:
    lasting, undoable = (case(COMMITS, image("a"), undo=undo) for undo in (False, True))

    assert not plan_repository(lasting, {}).undo
    assert plan_repository(undoable, {}).undo
