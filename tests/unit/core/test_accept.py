"""A saved plan may be applied only if it is the approved one, whole, and of today."""

from datetime import timedelta

import pytest

from reconciler.core.accept import check_applicable
from reconciler.errors import ExitCode, PlanError
from reconciler.model.plan import Guard, Plan, RepositoryPlan
from tests.support.inventories import WEB, whole
from tests.support.time import NOON

GOOD = RepositoryPlan(repository=WEB, policy="web", complete=True)


def refusal(plan: Plan, *, expected: str = "", hours: int = 0) -> tuple[str, str]:
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

    assert message == f"the plan is {other.digest}, and not the expected {approved}"


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

    assert message == "ghcr.io/acme/web: max_delete stopped it"
    assert hint == "If this is meant, plan again with: --allow max_delete:x=2"
