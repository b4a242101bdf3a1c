"""Evidence: nothing goes unread, no label is believed, contradicting sources stop the repository.

Worlds of raw bytes, and an oracle that reads nothing but these (`tests/support/world_oracle.py`).
"""

from dataclasses import replace

from hypothesis import given

from reconciler.errors import EvidenceError
from tests.support.world_runs import Trial
from tests.support.worlds import Traits, World, worlds


@given(world=worlds(Traits()))
def test_no_label_takes_from_a_kept_image_what_belongs_to_it(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan())

    assert trial.faults == []


@given(world=worlds(Traits(closed=False, order="first_seen")))
def test_no_label_does_so_where_only_tags_are_listed(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan())

    assert trial.faults == []


@given(world=worlds(Traits(odd=True)))
def test_a_document_that_can_be_read_in_two_ways_costs_no_image_anything(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan())

    assert trial.faults == []


@given(world=worlds(Traits(opaque=True)))
def test_a_document_that_can_name_nothing_holds_nobody_back(world: World) -> None:
    trial = Trial(world)
    plan = trial.plan()

    trial.apply(plan)

    assert [part.error for part in plan.repositories] == [""]
    assert trial.faults == []


@given(world=worlds(Traits(hides=True)))
def test_a_version_that_is_here_and_not_listed_stops_the_repository(world: World) -> None:
    trial = Trial(replace(world, hidden=frozenset()))
    trial.remember()
    plan = trial.plan()
    trial.registry.hidden = world.hidden

    applied = trial.apply(plan)

    if world.hidden:
        assert trial.sent == []
        assert isinstance(applied.error, EvidenceError) or not plan.repositories[0].changes


@given(world=worlds(Traits()))
def test_the_order_of_the_listing_decides_nothing(world: World) -> None:
    first, second = Trial(world), Trial(replace(world, pieces=world.pieces[::-1]))

    assert _decided(first) == _decided(second)


def _decided(trial: Trial) -> list[tuple[str, str, tuple[str, ...]]]:
    (part,) = trial.plan().repositories
    return sorted((change.digest, change.cause, change.reasons) for change in part.changes)
