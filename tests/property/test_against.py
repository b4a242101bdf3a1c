"""What a policy change does is what two plans say, each drawn by itself."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.compare import compare
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.model.comparison import RepositoryDifference
from reconciler.model.inventory import Inventory, Observations
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from tests.support.example_counts import THIRD
from tests.support.inventories import policy
from tests.support.strategies import documents, inventories, observations, policies
from tests.support.time import NOON


def deleted(case: PlanningInput, by: Policy) -> set[Digest]:
    """Plan by itself what one policy deletes."""
    alone = PlanningInput(by, case.inventory, case.observations, case.now)
    return {change.digest for change in plan_repository(alone, {}).changes}


def roots(case: PlanningInput, by: Policy) -> set[Digest]:
    """Plan by itself which images one policy lets expire."""
    alone = PlanningInput(by, case.inventory, case.observations, case.now)
    return {c.digest for c in plan_repository(alone, {}).changes if c.rules}


@st.composite
def changes(draw: st.DrawFn) -> tuple[PlanningInput, Policy, Policy]:
    """Draw a repository, and a policy before and after a change."""
    held = draw(inventories())
    before, after = draw(policies()), draw(policies())
    return PlanningInput(after, held, draw(observations(held)), NOON), before, after


def images(found: RepositoryDifference) -> tuple[set[Digest], set[Digest]]:
    """Return the images that are added to what goes, and those that are spared."""
    added = {fate.digest for shift in found.added for fate in shift.images}
    return added, {fate.digest for shift in found.spared for fate in shift.images}


@THIRD
@given(changes())
def test_it_names_exactly_the_images_whose_fate_changes(
    change: tuple[PlanningInput, Policy, Policy],
) -> None:
    case, before, after = change
    old, new = deleted(case, before), deleted(case, after)

    found = compare(case, before, after)

    added, spared = images(found)
    assert sum(shift.versions for shift in found.added) == len(new - old)
    assert sum(shift.versions for shift in found.spared) == len(old - new)
    assert roots(case, after) - old <= added <= new - old
    assert roots(case, before) - new <= spared <= old - new


@THIRD
@given(changes())
def test_the_way_back_is_the_same_the_other_way_round(
    change: tuple[PlanningInput, Policy, Policy],
) -> None:
    case, before, after = change

    there, back = compare(case, before, after), compare(case, after, before)

    assert images(there) == images(back)[::-1]


@THIRD
@given(inventories(), documents())
def test_other_names_for_the_same_rules_change_nothing(
    held: Inventory, document: dict[str, Any]
) -> None:
    def renamed(part: str) -> list[dict[str, Any]]:
        return [{**one, "name": f"{one['name']}-2"} for one in document.get(part, ())]

    case = PlanningInput(policy(document), held, Observations(), NOON)
    other = policy({**document, "rules": renamed("rules"), "protect": renamed("protect")})

    found = compare(case, case.policy, other)

    assert (found.edits, found.added, found.spared, found.weakened) == ((), (), (), ())
