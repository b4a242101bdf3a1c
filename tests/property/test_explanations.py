"""Laws of what is said about a version: it agrees with the plan, now and at the date it names."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.analysis.explain import explain
from reconciler.core.fate import DecidedRepository, decide_repository, deletable_from
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.formats.explain import as_json, render
from reconciler.formats.view import View
from reconciler.model.names import Digest
from tests.support.example_counts import THIRD
from tests.support.strategies import inventories, observations, policies
from tests.support.time import NOON

INSTANT = timedelta(microseconds=1)


def drawn_case(data: st.DataObject) -> PlanningInput:
    """Draw a repository with its state, and a policy for it."""
    held = data.draw(inventories())
    return PlanningInput(data.draw(policies()), held, data.draw(observations(held)), NOON)


def is_certain(judged: DecidedRepository) -> bool:
    """Whether no image of unknown age, which is always new, wanders through calendar buckets.

    Of protections only those that keep an image are told, so their calendars count as uncertain.
    """
    policy = judged.case.policy
    opinions = [o for decision in judged.decisions.images.values() for o in decision.opinions]
    protecting = any(True for part in policy.protect for _ in part.keep.buckets)
    calendars = any(True for rule in policy.rules for _ in rule.keep.buckets)
    return not (protecting or (calendars and any(opinion.is_doubtful for opinion in opinions)))


def at(judged: DecidedRepository, later: timedelta, digest: Digest) -> bool:
    """Whether a version goes some time later, all else unchanged."""
    return (
        decide_repository(replace(judged.case, now=judged.case.now + later)).fate(digest).is_deleted
    )


@THIRD
@given(st.data())
def test_an_explanation_says_of_every_version_what_the_plan_does(data: st.DataObject) -> None:
    case = drawn_case(data)
    changes = {change.digest: change for change in plan_repository(case, {}).changes}
    judged = decide_repository(case)

    for digest in case.inventory.versions:
        fate = judged.fate(digest)

        assert fate.is_deleted == (digest in changes)
        if fate.is_deleted:
            assert fate.cause == changes[digest].cause
        assert fate.note or fate.chains


@THIRD
@given(st.data())
def test_a_version_stays_while_something_above_it_stays_and_goes_when_nothing_does(
    data: st.DataObject,
) -> None:
    judged = decide_repository(drawn_case(data))

    for digest in judged.case.inventory.versions:
        fate = judged.fate(digest)
        staying = [chain for chain in fate.chains if not chain.decision.expires]

        assert not (fate.is_deleted and staying)
        assert fate.is_deleted or staying or fate.note


@THIRD
@given(st.data())
def test_a_version_goes_from_the_very_moment_that_is_named(data: st.DataObject) -> None:
    judged = decide_repository(drawn_case(data))
    assume(is_certain(judged))
    staying = sorted(judged.case.inventory.versions.keys() - judged.decisions.to_delete)

    for digest in staying:
        leaves = deletable_from(judged, digest)
        if leaves:
            wait = leaves - judged.case.now
            assert at(judged, wait, digest)
            assert not at(judged, wait - INSTANT, digest)


@THIRD
@given(st.data())
def test_every_version_can_be_explained_in_words(data: st.DataObject) -> None:
    case = drawn_case(data)

    for digest in case.inventory.versions:
        told = explain(case, digest)

        assert render(told, View(now=NOON)).startswith(f"ghcr.io/acme/web@{digest}\n")
        assert f'"digest": "{digest}"' in as_json(told)
