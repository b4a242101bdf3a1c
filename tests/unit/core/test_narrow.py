"""What is left of an approved plan when the registry and the policy are looked at again."""

from dataclasses import replace
from datetime import timedelta

from reconciler.core.narrow import RemainingWork, narrow
from reconciler.core.planner import RaisedLimits
from reconciler.model.causes import Cause
from reconciler.model.inventory import Observations, Version
from reconciler.model.journal import Result
from reconciler.model.names import Tag
from reconciler.model.plan import RepositoryPlan
from tests.support.inventories import (
    WEB,
    case,
    digest,
    image,
    index,
    name_of,
    names,
    observed,
    planned,
    signature,
)
from tests.support.time import NOON

COMMITS = """
rules:
  - {name: commits, match: {tags: ["sha-*"]}, keep: {within: 30d}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


def narrowed(
    plan: RepositoryPlan,
    *live: Version,
    document: str = COMMITS,
    seen: Observations | None = None,
    hours: int = 0,
    allowed: RaisedLimits | None = None,
) -> RemainingWork:
    now = NOON + timedelta(hours=hours)
    return narrow(plan, case(document, *live, seen=seen, now=now), allowed or {})


def left(work: RemainingWork) -> list[list[str]]:
    return [names(change.digest for change in part) for part in work.components]


def dropped(work: RemainingWork) -> dict[str, tuple[Result, str]]:
    return {name_of(one.change.digest): (one.result, one.reason) for one in work.dropped}


def tagged(version: Version, *tags: str) -> Version:
    return replace(version, tags=tuple(map(Tag, tags)))


A, B = image("a", "sha-a", age="50d"), image("b", "sha-b")
PLAN = planned(COMMITS, A, B)


def test_nothing_changed_leaves_the_plan_as_it_is() -> None:
    work = narrowed(PLAN, A, B)

    assert left(work) == [["a"], ["b"]]
    assert work.dropped == ()


def test_what_is_gone_is_absent() -> None:
    work = narrowed(PLAN, B)

    assert left(work) == [["b"]]
    assert dropped(work) == {"a": (Result.ABSENT, "the registry no longer has it")}


def test_what_was_retagged_stays() -> None:
    work = narrowed(PLAN, tagged(A, "sha-a", "sha-new"), B)

    assert left(work) == [["b"]]
    assert dropped(work) == {"a": (Result.SKIPPED_CHANGED, "tag sha-new was added")}


def test_what_lost_a_tag_stays_though_the_policy_would_let_it_go() -> None:
    work = narrowed(PLAN, tagged(A), B)

    assert dropped(work) == {"a": (Result.SKIPPED_CHANGED, "tag sha-a was removed")}


def test_a_version_under_the_same_digest_but_of_another_time_stays() -> None:
    work = narrowed(PLAN, replace(A, pushed=B.pushed), B)

    assert dropped(work) == {
        "a": (
            Result.SKIPPED_CHANGED,
            "its push time was 2026-09-13 12:00:00 and is now 2026-09-23 12:00:00",
        )
    }


def test_what_the_policy_of_now_keeps_stays() -> None:
    document = "protect: [{name: audit, match: {tags: [sha-a]}}]" + COMMITS

    work = narrowed(PLAN, A, B, document=document)

    reason = "now kept (protected): audit: all; commits: age 50d vs within 30d"
    assert dropped(work) == {"a": (Result.SKIPPED_CHANGED, reason)}


def test_what_an_undo_holds_by_now_stays() -> None:
    work = narrowed(PLAN, A, B, seen=observed(a={"held": True}))

    assert left(work) == [["b"]]


def test_what_the_policy_of_now_would_delete_as_well_is_not_added() -> None:
    work = narrowed(PLAN, A, B, image("c", "sha-c"), image("d"))

    assert left(work) == [["a"], ["b"]]


def test_what_became_old_enough_meanwhile_is_not_added() -> None:
    young = image("c", "sha-c", age="719h")

    assert left(narrowed(planned(COMMITS, A, young), A, young, hours=10)) == [["a"]]


def test_a_new_index_over_an_old_child_keeps_it() -> None:
    amd, arm = image("amd"), image("arm")
    old = index("old", "sha-old", lists=[amd, arm])
    plan = planned(COMMITS, amd, arm, old)

    work = narrowed(plan, amd, arm, old, index("new", "sha-new", lists=[arm], age="0h"))

    assert left(work) == [["old", "amd"]]
    assert dropped(work) == {"arm": (Result.SKIPPED_REFERENCED, "a version that is kept needs it")}


def test_a_new_signature_makes_its_image_wait() -> None:
    work = narrowed(PLAN, A, B, signature("sig", of=A, age="0h"))

    assert left(work) == [["b"]]
    assert dropped(work)["a"][1].startswith("now kept (min-age): one of its manifests or referrers")


def test_an_old_signature_that_the_plan_does_not_name_makes_its_image_wait() -> None:
    work = narrowed(PLAN, A, B, signature("sig", of=A, age="60d"))

    assert left(work) == [["b"]]
    assert dropped(work)["a"] == (
        Result.SKIPPED_REFERENCED,
        "a version that would be deleted with it is not in this plan",
    )


def test_what_is_shared_with_an_image_that_expired_since_makes_none_wait() -> None:
    amd = image("amd")
    old = index("old", "sha-old", lists=[amd])
    later = index("later", "sha-later", lists=[amd], age="719h")
    plan = planned(COMMITS, amd, old, later)

    work = narrowed(plan, amd, old, later, hours=10)

    assert left(work) == [["old"]]


def test_an_index_that_expired_since_keeps_the_child_it_shares_with_a_planned_one() -> None:
    amd = image("amd")
    old = index("old", "sha-old", lists=[amd])
    later = index("later", "sha-later", lists=[amd], age="719h")
    plan = planned(COMMITS, amd, old)

    work = narrowed(plan, amd, old, later, hours=10)

    assert left(work) == [["old"]]
    assert dropped(work) == {"amd": (Result.SKIPPED_REFERENCED, "a version that is kept needs it")}


def test_children_that_a_killed_run_left_go_on_their_own() -> None:
    amd, arm = image("amd"), image("arm")
    web = index("web", "sha-web", lists=[amd, arm])
    plan = planned(COMMITS, amd, arm, web)

    work = narrowed(plan, amd, arm)

    assert left(work) == [["amd"], ["arm"]]
    assert dropped(work) == {"web": (Result.ABSENT, "the registry no longer has it")}


def test_guards_count_the_images_of_now_whatever_the_plan_calls_them() -> None:
    limits = COMMITS + "guards: {max_delete: 1, max_delete_percent: 100, never_empty: false}\n"
    followers = [replace(change, cause=Cause.FOLLOWS) for change in PLAN.changes]
    edited = PLAN.model_copy(update={"changes": tuple(followers)})

    work = narrowed(edited, A, B, document=limits)

    assert [guard.name for guard in work.guards if not guard.ok] == ["max_delete"]
    assert work.guards[0].actual == 2


def test_guards_hold_the_numbers_of_now_against_the_limits_of_now() -> None:
    strict = COMMITS + "guards: {max_delete: 1, max_delete_percent: 100, never_empty: false}\n"

    work = narrowed(PLAN, A, B, document=strict)
    eased = narrowed(PLAN, A, B, document=strict, allowed={("max_delete", WEB): 2})

    assert [guard.name for guard in work.guards if not guard.ok] == ["max_delete"]
    assert all(guard.ok for guard in eased.guards)


def test_a_repository_that_shrank_meanwhile_is_guarded_by_its_size_of_now() -> None:
    stay = image("c", "sha-c", age="1d")
    limits = COMMITS + "guards: {max_delete_percent: 70}\n"
    plan = planned(limits, A, B, stay)

    work = narrowed(plan, A, B, document=limits)

    assert not plan.stopped
    assert [guard.name for guard in work.guards if not guard.ok] == [
        "max_delete_percent",
        "never_empty",
    ]
    assert digest("a") in {one.digest for part in work.components for one in part}
