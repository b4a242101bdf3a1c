"""What a scheduled look finds in one repository, and what it leaves alone."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from reconciler.analysis.health import HealthFinding, HealthInput, Kind, Thresholds
from reconciler.analysis.health_checks import check
from reconciler.core.planner import PlanningInput
from reconciler.model.journal import Entry, Result
from reconciler.model.ports import Holder
from tests.support.inventories import WEB, case, digest, image, index, observed
from tests.support.journals import OPENED, Book, ago, change
from tests.support.time import NOON

BOUNDS = Thresholds(
    overdue=timedelta(days=7),
    last_apply=timedelta(hours=48),
    lock=timedelta(hours=6),
    undo=timedelta(days=3),
)
POLICY = """
protect: [{name: moving, match: {tags: [latest, main]}}]
rules:
  - {name: commits, match: {tags: ["sha-*"]}, keep: {last: 1, within: 30d}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


def found(
    brought: PlanningInput | None, book: Book | None = None, **facts: Any
) -> list[HealthFinding]:
    """Look at a repository with the usual bounds."""
    records = book.records if book else ()
    return list(check(HealthInput(WEB, NOON, records, case=brought, **facts), BOUNDS))


def kinds(findings: Sequence[HealthFinding]) -> list[Kind]:
    """Return what kinds of findings there are."""
    return [finding.kind for finding in findings]


def applied(days_ago: float) -> Book:
    """Write the journal of a run that did all it was to do."""
    book = Book()
    book.deleted("run-1", days_ago, change("old"))
    return book


def test_nothing_is_found_where_all_is_well() -> None:
    here = case(POLICY, image("a", "latest", "sha-1"), image("b", "sha-2", age="29d"))

    assert found(here, applied(1)) == []


def test_images_are_overdue_once_they_have_been_due_for_a_week() -> None:
    here = case(
        POLICY,
        image("a", "sha-1", age="36d"),
        image("b", "sha-2", age="38d"),
        image("c", "sha-3", age="1d"),
    )

    (finding,) = found(here, applied(1))

    assert finding.kind is Kind.OVERDUE
    assert finding.message == "1 image has been due for deletion for more than 7d"
    assert finding.examples == (f"sha-2 {digest('b')}",)
    assert "reconciler apply" in finding.cure


def test_what_a_later_push_made_due_is_not_overdue() -> None:
    policy = """
    rules: [{name: commits, match: {tags: ["sha-*"]}, keep: {last: 1}}]
    """
    here = case(policy, image("a", "sha-1", age="90d"), image("b", "sha-2", age="6d"))

    assert found(here, applied(1)) == []


@pytest.mark.parametrize(("days", "expected"), [(9, [Kind.OVERDUE]), (6, [])])
def test_what_lost_its_tag_counts_from_when_a_run_saw_that(days: int, expected: list[Kind]) -> None:
    seen = observed(a={"untagged_since": ago(days)}, b={"tags": ("latest",)})
    here = case(POLICY, image("a", age="90d"), image("b", "latest"), seen=seen)

    assert kinds(found(here, applied(1))) == expected


def test_what_no_run_has_seen_untagged_is_not_overdue() -> None:
    seen = observed(a={"tags": ("latest",)}, b={"tags": ("main",)})
    here = case(POLICY, image("a", age="90d"), image("b", "latest", "main"), seen=seen)

    assert found(here, applied(1)) == []


def test_that_nothing_was_ever_applied_is_told_with_what_waits() -> None:
    here = case(POLICY, image("a", "latest"), image("b", age="90d"))

    late, overdue = found(here)

    assert late.kind is Kind.NOT_APPLIED
    assert late.message == (
        "no apply has succeeded yet, and 1 image has been due for deletion since before"
        " 2026-10-31 12:00 UTC"
    )
    assert overdue.kind is Kind.OVERDUE


def test_an_apply_that_is_long_ago_is_found_only_where_work_waited() -> None:
    busy = case(POLICY, image("a", "latest"), image("b", age="11d"))
    fresh = case(POLICY, image("a", "latest"), image("b", age="8d"))

    assert kinds(found(busy, applied(3))) == [Kind.NOT_APPLIED]
    assert kinds(found(busy, applied(1))) == []
    assert kinds(found(fresh, applied(3))) == []


def test_a_run_that_failed_is_no_successful_apply() -> None:
    book = applied(5)
    closing = Entry("run_close", {"reason": "done", "counts": {"failed": 1}})
    book.write("run-2", 1, Entry("run_open", OPENED), closing)

    findings = found(case(POLICY, image("a", "latest"), image("b", age="11d")), book)

    assert kinds(findings) == [Kind.NOT_APPLIED]
    assert "the last successful apply was on 2026-10-28 12:00 UTC" in findings[0].message


def test_an_apply_whose_time_ran_out_came_on_and_an_undo_is_none() -> None:
    here = case(POLICY, image("a", "latest"), image("b", age="11d"))
    stopped = applied(5)
    closing = {"reason": "the time budget is used up", "counts": {"deleted": 9, "not_done": 1}}
    stopped.write("run-2", 1, Entry("run_open", OPENED), Entry("run_close", closing))
    undone = applied(5)
    opening = Entry("run_open", {"who": "robot@ci", "undoes": "run-1"})
    undone.write("run-2", 1, opening, Entry("run_close", {"reason": "done"}))

    assert found(here, stopped) == []
    assert kinds(found(here, undone)) == [Kind.NOT_APPLIED]


def test_a_guard_that_stops_every_apply_is_named_with_its_override() -> None:
    guarded = f"{POLICY}\nguards: {{max_delete: 1, max_delete_percent: 100}}"
    here = case(guarded, image("a", "latest"), image("b", age="60d"), image("c", age="61d"))

    late, overdue = found(here)

    assert late.cure == overdue.cure
    assert late.cure == (
        "Every apply is stopped by max_delete (2 of 1)."
        " To override once: reconciler apply --allow max_delete:ghcr.io/acme/web=2"
    )


def test_an_image_that_stays_with_a_hole_is_broken() -> None:
    broken = index("a", "latest", lists=["gone"])

    (finding,) = found(case(POLICY, broken), applied(1))

    assert finding.kind is Kind.BROKEN
    assert finding.examples == (f"latest {digest('a')} lacks {digest('gone')}",)
    assert finding.cure.startswith("Rebuild and push the images")


def test_where_a_run_made_the_hole_its_undo_is_offered() -> None:
    book = Book()
    book.deleted("run-7", 1, change("gone"))

    (finding,) = found(case(POLICY, index("a", "latest", lists=["gone"])), book)

    assert finding.cure.startswith("Try: reconciler undo run-7.")


def test_a_broken_image_that_is_about_to_go_is_nobodys_concern() -> None:
    here = case(POLICY, image("a", "latest"), index("b", lists=["gone"], age="8d"))

    assert found(here, applied(1)) == []


def test_a_protected_tag_that_nothing_has_any_more_is_lost() -> None:
    seen = observed(a={"tags": ("latest", "sha-1")}, b={"tags": ("main",)})
    here = case(POLICY, image("a", "sha-1"), image("b", "main"), seen=seen)

    (finding,) = found(here, applied(1))

    assert finding.kind is Kind.LOST_TAG
    assert finding.examples == (f"latest was on {digest('a')}",)


def test_a_tag_that_moved_or_that_nothing_protects_is_not_lost() -> None:
    seen = observed(a={"tags": ("latest", "pr-1")}, b={"tags": ("sha-2",)})
    here = case(POLICY, image("a", age="1d"), image("b", "sha-2", "latest"), seen=seen)

    assert found(here, applied(1)) == []


def test_what_somebody_else_deleted_is_told_apart_from_what_runs_deleted() -> None:
    seen = observed(a={"tags": ("latest",)}, b={"tags": ("sha-2",)}, c={"tags": ("sha-3",)})
    book = Book()
    book.deleted("run-1", 1, change("c"))

    (finding,) = found(case(POLICY, image("a", "latest"), seen=seen), book)

    assert finding.kind is Kind.DELETED_ELSEWHERE
    assert finding.message == (
        "1 version has been deleted since the last run, but not by Reconciler"
    )
    assert finding.examples == (f"sha-2 {digest('b')}",)


def test_what_was_restored_and_is_gone_was_not_deleted_by_a_run() -> None:
    seen = observed(a={"tags": ("latest",)}, b={"tags": ("sha-2",)})
    book = Book()
    book.deleted("run-1", 3, change("b"))
    book.restored("run-2", 2, "b")

    findings = found(case(POLICY, image("a", "latest"), seen=seen), book)

    assert kinds(findings) == [Kind.DELETED_ELSEWHERE]


def test_what_a_dead_run_was_about_to_delete_is_not_blamed_on_others() -> None:
    seen = observed(a={"tags": ("latest",)}, b={"tags": ("sha-2",)})
    book = Book()
    book.run("run-1", 1, change("b"))

    findings = found(case(POLICY, image("a", "latest"), seen=seen), book)

    assert kinds(findings) == [Kind.OPEN_RUN]
    assert findings[0].message == "run run-1 was interrupted; 1 deletion has an unknown outcome"


def test_a_run_at_work_is_not_taken_for_a_dead_one() -> None:
    book = Book()
    book.run("run-1", 0, change("b"))

    assert found(None, book, holder=_holder("run-1", hours=1)) == []
    assert kinds(found(None, book, holder=_holder("run-2", hours=1))) == [Kind.OPEN_RUN]


def test_a_lock_is_stale_when_held_for_hours_or_by_a_dead_process() -> None:
    assert found(None, holder=_holder("run-1", hours=6)) == []
    (old,) = found(None, holder=_holder("run-1", hours=7))
    (dead,) = found(None, holder=_holder("run-1", hours=1), holder_ended=True)

    assert (old.kind, dead.kind) == (Kind.STALE_LOCK, Kind.STALE_LOCK)
    assert old.message == "run run-1 (robot on ci) has held its lock for 7h"
    assert dead.message == "run run-1 (robot on ci) has ended, but its lock is held for 1h"
    assert old.cure.endswith("reconciler lock break --id run-1")


@pytest.mark.parametrize(("days_ago", "told"), [(26, 0), (28, 1), (31, 0)])
def test_windows_for_undo_are_told_of_before_they_close(days_ago: int, told: int) -> None:
    book = Book()
    book.deleted("run-1", days_ago, change("a", "sha-1"), change("b"))

    findings = found(None, book)

    assert kinds(findings) == [Kind.UNDO_CLOSING] * told
    for finding in findings:
        assert not finding.kind.is_alarm
        assert finding.cure == "To restore it: reconciler undo run-1"
        assert finding.examples == (f"sha-1 {digest('a')}", digest("b"))


def test_what_was_restored_has_no_window_any_more() -> None:
    book = Book()
    book.deleted("run-1", 28, change("a"))
    book.restored("run-2", 20, "a")

    assert found(None, book) == []


def test_an_outcome_that_is_not_known_is_told_of_although_its_run_closed() -> None:
    book = Book()
    book.run("run-1", 1, change("a"), result=Result.UNKNOWN)

    assert kinds(found(None, book)) == [Kind.OPEN_RUN]


def _holder(run: str, *, hours: int) -> Holder:
    return Holder(run, "robot", "ci", NOON - timedelta(hours=hours), 7)
