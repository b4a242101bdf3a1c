"""Other policies held against what a plan is drawn from: read once, and never in its way."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from reconciler.engine.compare import Comparison
from reconciler.engine.plan import (
    PlanSource,
    PlanTimes,
    Target,
    complete_plan,
    plan_target,
)
from reconciler.errors import AccessError, EvidenceError, PolicyError
from reconciler.model.comparison import Difference, RepositoryDifference
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan
from reconciler.model.policy import Policy
from tests.support.documents import image
from tests.support.scenes import WEB, Scene, draw_plan, policy

Differences = list[RepositoryDifference]

KEEPING = policy(rules=[{"name": "all", "match": {"any": True}, "keep": {"all": True}}])
BY_BUILD = policy(
    rules=[
        {
            "name": "previews",
            "match": {"tags": ["pr-*"]},
            "keep": {"within": "5d"},
            "age_by": "created",
        }
    ]
)
OLD = image("pr 7", created="2026-01-01T00:00:00Z")


def scene(place: Path) -> Scene:
    """Push one preview, two days ago."""
    made = Scene(place)
    made.push(image("latest"), "latest")
    made.push(OLD, "pr-7")
    made.later(days=2)
    return made


def drawn(web: Scene, after: Policy, comparison: Comparison) -> tuple[DeletionPlan, Differences]:
    """Draw a plan, and compare what it is drawn from."""
    now = web.time.now
    times = PlanTimes(now, now, timedelta(days=3))
    planned = plan_target(Target(WEB, after, web.registry), web.state, times, {})
    plan = complete_plan([planned.part], times, PlanSource("reconciler 1.0.0", ()))
    return plan, [comparison.of(planned.case)] if planned.case else []


def alone(web: Scene, after: Policy) -> DeletionPlan:
    """Draw a plan that nothing is compared with."""
    now = web.time.now
    return draw_plan(
        [Target(WEB, after, web.registry)],
        web.state,
        times=PlanTimes(now, now, timedelta(days=3)),
        source=PlanSource("reconciler 1.0.0", ()),
        allowed={},
    )


def compared(web: Scene, before: Policy | None, after: Policy) -> RepositoryDifference:
    """Compare two policies while a plan is drawn."""
    comparison = Comparison(lambda _: before, lambda _: web.registry)
    _, (difference,) = drawn(web, after, comparison)
    return difference


def test_the_registry_is_listed_once_for_both_policies(place: Path) -> None:
    web = scene(place)

    found = compared(web, KEEPING, policy())

    assert [shift.versions for shift in found.added] == [1]
    assert [call.method for call in web.registry.calls].count("listing") == 1


def test_the_plan_is_the_same_to_the_byte(place: Path) -> None:
    without = alone(scene(place / "alone"), policy())
    web = scene(place / "beside")
    comparison = Comparison(lambda _: BY_BUILD, lambda _: web.registry)

    beside, (difference,) = drawn(web, policy(), comparison)

    assert difference.error == ""
    assert beside.to_bytes() == without.to_bytes()


def test_times_that_only_the_other_policy_asks_for_are_read_for_it(place: Path) -> None:
    found = compared(scene(place), BY_BUILD, KEEPING)

    assert [fate.before for shift in found.spared for fate in shift.images] == [
        ("previews: age 307d vs within 5d",)
    ]


def test_a_time_that_cannot_be_read_hinders_no_plan(place: Path) -> None:
    web = scene(place)
    comparison = Comparison(lambda _: BY_BUILD, lambda _: web.registry)
    web.registry.fail("created", EvidenceError("the configuration is gone"))

    plan, (difference,) = drawn(web, policy(), comparison)

    assert plan.summary.delete == 1
    assert difference.error == "the configuration is gone"


def test_other_policies_that_quarrel_hinder_no_plan(place: Path) -> None:
    web = scene(place)

    def quarrel(_: Repository) -> Policy:
        raise PolicyError("two policies")

    comparison = Comparison(quarrel, lambda _: web.registry)
    plan, (difference,) = drawn(web, policy(), comparison)

    assert plan.summary.delete == 1
    assert difference.error == "two policies"


def test_a_dropped_repository_is_read_by_the_policy_it_had(place: Path) -> None:
    web = scene(place)
    comparison = Comparison(lambda _: policy(), lambda _: web.registry)

    nothing = alone(scene(place / "other"), policy()).model_copy(update={"repositories": ()})
    told = comparison.completed(Difference(against="main"), [], nothing, [WEB], web.state)

    (found,) = told.repositories
    assert (found.before, found.after) == ("web", "")
    assert [shift.versions for shift in found.spared] == [1]


def test_what_could_not_be_planned_is_not_compared(place: Path) -> None:
    web = scene(place)
    comparison = Comparison(lambda _: KEEPING, lambda _: web.registry)
    web.registry.fail("listing", EvidenceError("page 7 answered 502"))

    plan, differences = drawn(web, policy(), comparison)
    told = comparison.completed(Difference(against="main"), differences, plan, [], web.state)

    assert [part.error for part in told.repositories] == ["page 7 answered 502"]


def test_names_that_cannot_be_listed_are_told_and_hinder_no_plan(place: Path) -> None:
    web = scene(place)

    def named() -> Iterator[Repository]:
        yield WEB
        raise AccessError("cannot list the packages of acme")

    comparison = Comparison(lambda _: KEEPING, lambda _: web.registry)
    plan, differences = drawn(web, policy(), comparison)
    told = comparison.completed(Difference(against="main"), differences, plan, named(), web.state)

    assert plan.summary.delete == 1
    assert told.error == "cannot list the packages of acme"
