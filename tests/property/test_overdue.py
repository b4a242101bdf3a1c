"""Laws of what is overdue: it goes now, it was there then, and an apply leaves none of it."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.analysis.health import HealthInput
from reconciler.analysis.health_checks import due_since
from reconciler.core.planner import PlanningInput
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.policy import Policy
from tests.support.example_counts import THIRD
from tests.support.inventories import WEB
from tests.support.strategies import inventories, policies
from tests.support.time import NOON

DAYS = st.integers(0, 60)


def overdue(held: Inventory, policy: Policy, days: int) -> Sequence[Version]:
    """Return what has been due for so many days, for all that an empty state knows."""
    case = PlanningInput(policy, held, Observations(), NOON)
    return due_since(HealthInput(WEB, NOON, (), case=case), NOON - timedelta(days=days))


@THIRD
@given(inventories(), policies(), DAYS)
def test_only_what_goes_now_and_was_there_then_is_overdue(
    held: Inventory, policy: Policy, days: int
) -> None:
    found = overdue(held, policy, days)

    going = HealthInput(
        WEB, NOON, (), case=PlanningInput(policy, held, Observations(), NOON)
    ).to_delete
    assert {version.digest for version in found} <= going
    then = NOON - timedelta(days=days)
    assert all(version.pushed is None or version.pushed <= then for version in found)


@THIRD
@given(inventories(), policies())
def test_what_goes_now_is_what_has_been_due_for_no_time(held: Inventory, policy: Policy) -> None:
    going = HealthInput(
        WEB, NOON, (), case=PlanningInput(policy, held, Observations(), NOON)
    ).to_delete
    born = (version.pushed or version.first_seen or NOON for version in held.versions.values())
    assume(max(born, default=NOON) <= NOON)

    assert {version.digest for version in overdue(held, policy, 0)} == going


@THIRD
@given(inventories(), policies(), DAYS)
def test_after_an_apply_nothing_is_overdue(held: Inventory, policy: Policy, days: int) -> None:
    plan = HealthInput(WEB, NOON, (), case=PlanningInput(policy, held, Observations(), NOON)).plan
    gone = {change.digest for change in plan.changes} if plan else set()
    left = [version for digest, version in held.versions.items() if digest not in gone]

    assert overdue(Inventory.of(WEB, left), policy, days) == ()
