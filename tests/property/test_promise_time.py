"""Time: what is true five seconds before a DELETE, and still is, forbids it.

People push, tag, delete and break the lock between any two requests, and any of these may take
its time. What happens in the last five seconds no client can know.
"""

from hypothesis import given

from tests.support.world_runs import Trial
from tests.support.worlds import Traits, World, worlds

BUSY = (
    *("index", "index", "lying index", "again", "retag", "retag", "spell", "remove"),
    *("wait", "wait", "wait"),
)
LIMITED = (*BUSY, "limit", "limit", "limit", "limit")
PACES = (0.0, 0.5, 1.0)


@given(world=worlds(Traits(events=BUSY, seconds=PACES)))
def test_what_somebody_needs_since_five_seconds_stays(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan(), world.events)

    assert trial.faults == []


@given(world=worlds(Traits(closed=False, order="first_seen", events=BUSY, seconds=(0.0, 0.1))))
def test_so_it_does_where_only_tags_are_listed(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan(), world.events)

    assert trial.faults == []


@given(world=worlds(Traits(lies=False, events=("lock", "wait", "retag"), seconds=PACES)))
def test_whoever_lost_the_lock_five_seconds_ago_deletes_nothing(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan(), world.events)

    assert trial.faults == []


@given(world=worlds(Traits(events=LIMITED, seconds=PACES)))
def test_what_a_limit_held_up_is_looked_at_again(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.plan(), world.events)

    assert trial.faults == []
