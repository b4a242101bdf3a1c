"""A saved plan may be applied only if it is the approved one, whole, and of today."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from reconciler.core.narrow import MAX_LIFE, accepted_limits, check_applicable, check_state
from reconciler.errors import ExitCode, PlanError
from reconciler.model.journal import Entry, Record, chain
from reconciler.model.plan import DeletionPlan, Guard, RepositoryPlan, Unlisted
from tests.support.inventories import WEB, whole
from tests.support.time import NOON

GOOD = RepositoryPlan(repository=WEB, policy="web", complete=True)


def refusal(plan: DeletionPlan, *, expected: str = "", hours: int = 0) -> tuple[str, str]:
    with pytest.raises(PlanError) as refused:
        check_applicable(plan, now=NOON + timedelta(hours=hours), expected=expected)
    assert refused.value.exit_code is ExitCode.PLAN_REJECTED
    return str(refused.value), refused.value.hint


def test_a_whole_plan_of_today_may_be_applied() -> None:
    plan = whole(GOOD)

    check_applicable(plan, now=NOON)
    check_applicable(plan, now=NOON, expected=plan.digest)


def test_another_plan_than_the_approved_one_is_refused() -> None:
    approved, other = whole(GOOD).digest, whole()

    message, _ = refusal(other, expected=approved)

    assert message == f"the plan has the digest {other.digest}, not the expected {approved}"


def test_a_forecast_is_refused() -> None:
    message, _ = refusal(whole(GOOD).model_copy(update={"forecast": True}))

    assert message == "the plan is a forecast for 2026-11-02 12:00 UTC"


def test_a_plan_is_refused_from_the_moment_it_expires() -> None:
    check_applicable(whole(GOOD), now=NOON + timedelta(hours=23, minutes=59))

    message, hint = refusal(whole(GOOD), hours=24)

    assert message == "the plan expired at 2026-11-03 12:00 UTC"
    assert "plan` again" in hint


def test_an_incomplete_plan_is_refused_with_its_reason() -> None:
    part = GOOD.model_copy(update={"complete": False, "error": "page 7 could not be read"})

    message, _ = refusal(whole(GOOD, part))

    assert message == "ghcr.io/acme/web: the plan is incomplete: page 7 could not be read"


def test_a_plan_that_guards_stopped_is_refused_with_the_way_past_them() -> None:
    guards = (
        Guard(name="max_delete", limit=1, actual=2, ok=False, override="--allow max_delete:x=2"),
        Guard(name="never_empty", limit=1, actual=1, ok=True),
    )

    message, hint = refusal(whole(GOOD.model_copy(update={"guards": guards})))

    assert message == "ghcr.io/acme/web: the plan was stopped by max_delete"
    assert hint == "If this is intended, plan again with: --allow max_delete:x=2"


def test_a_plan_that_could_not_list_what_a_policy_names_is_refused() -> None:
    unlisted = Unlisted(
        pattern="ghcr.io/acme/*", policy="web", error="not allowed", failure=ExitCode.ACCESS
    )
    plan = whole(GOOD).model_copy(update={"unlisted": (unlisted,)})

    message, _ = refusal(plan)

    assert message == "ghcr.io/acme/*: the plan is incomplete: not allowed"
    assert plan.outcome is ExitCode.ACCESS
    assert plan.summary.incomplete == 1


def journal(*runs: str, begun: timedelta = timedelta()) -> Sequence[Record]:
    """Write a journal in which each run opened itself; it began so long after noon."""
    records: list[Record] = []
    for run in runs:
        last = records[-1] if records else None
        records += chain(last, run, NOON + begun, [Entry("run_open", {"who": "robot@ci"})])
    return records


def drawn_with(records: Sequence[Record]) -> RepositoryPlan:
    return GOOD.model_copy(update={"state": records[-1].hash})


def test_a_plan_fits_the_journal_it_was_drawn_with_however_much_that_has_grown() -> None:
    long = journal("run-1", "run-2", "run-3")

    check_state(drawn_with(long[:2]), NOON, long)


@pytest.mark.parametrize(
    "other", [journal("run-9", "run-2"), journal("run-1"), []], ids=["other", "older", "none"]
)
def test_a_plan_is_refused_by_a_journal_that_does_not_know_its_last_record(
    other: Sequence[Record],
) -> None:
    part = drawn_with(journal("run-1", "run-2"))

    with pytest.raises(PlanError) as refused:
        check_state(part, NOON, other)

    assert str(refused.value) == (
        "ghcr.io/acme/web: the plan was made with another state: "
        f"the journal of this state has no record {part.state}"
    )
    assert refused.value.hint.startswith("Use the same --state or RECONCILER_STATE")


@pytest.mark.parametrize("minutes", [None, -10, 0, 60])
def test_a_plan_that_saw_no_journal_fits_where_there_was_none(minutes: int | None) -> None:
    begun = timedelta(minutes=minutes or 0)
    records = journal("run-1", begun=begun) if minutes is not None else []

    check_state(GOOD, NOON, records)


def test_a_plan_that_saw_no_journal_is_refused_where_there_was_one() -> None:
    with pytest.raises(PlanError) as refused:
        check_state(GOOD, NOON, journal("run-1", begun=timedelta(minutes=-11)))

    started = "2026-11-02 11:49 UTC"
    expected = f"it was made without a journal, but the one of this state starts at {started}"
    assert expected in str(refused.value)


RAISED = GOOD.model_copy(
    update={"guards": (Guard(name="max_delete", limit=500, actual=400, ok=True, asked=True),)}
)


def test_a_plan_file_alone_raises_no_limit_and_says_what_to_type() -> None:
    plan = whole(RAISED)

    with pytest.raises(PlanError) as refused:
        accepted_limits(plan, allowed={})

    assert "a plan file alone cannot raise limits" in str(refused.value)
    assert f"--allow max_delete:{WEB}=500" in refused.value.hint
    assert "--expect-digest" in refused.value.hint


def test_the_command_line_decides_how_far_a_limit_is_raised() -> None:
    allowed = {("max_delete", WEB): 450}

    assert accepted_limits(whole(RAISED), allowed=allowed) == allowed


def test_another_limit_than_the_raised_one_is_not_enough() -> None:
    with pytest.raises(PlanError):
        accepted_limits(whole(RAISED), allowed={("max_delete_percent", WEB): 90})


def test_the_digest_of_exactly_this_plan_approves_the_limits_it_was_drawn_with() -> None:
    plan = whole(RAISED)
    approved = accepted_limits(plan, allowed={}, expected=plan.digest)

    assert approved == {("max_delete", WEB): 500}
    with pytest.raises(PlanError):
        accepted_limits(plan, allowed={}, expected=whole(GOOD).digest)


def test_no_plan_lasts_longer_than_the_bound_whatever_it_says() -> None:
    latest = whole(GOOD).model_copy(update={"expires_at": NOON + MAX_LIFE})
    later = latest.model_copy(update={"expires_at": NOON + MAX_LIFE + timedelta(seconds=1)})

    check_applicable(latest, now=NOON)
    message, _ = refusal(later)

    assert message == (
        "the plan is valid until 2026-12-02 12:00 UTC, more than 30 days after it was made"
    )


def test_a_plan_of_the_future_is_refused_and_a_clock_that_is_a_little_ahead_is_not() -> None:
    times = {"created_at": NOON + timedelta(minutes=10), "expires_at": NOON + timedelta(days=1)}
    ahead = whole(GOOD).model_copy(update=times)

    check_applicable(ahead, now=NOON)
    with pytest.raises(PlanError, match="which is in the future"):
        check_applicable(ahead, now=NOON - timedelta(seconds=1))
