"""Authority: only policies and the command line let more go; plans and states only hold back."""

from hypothesis import given

from reconciler.model.inventory import Observations
from tests.support.undoing import undo
from tests.support.world_runs import Trial
from tests.support.worlds import Traits, World, worlds


@given(world=worlds(Traits(guards=True)))
def test_an_edited_plan_lets_nothing_go_that_the_policies_keep(world: World) -> None:
    trial = Trial(world)

    trial.apply(trial.forged())

    assert trial.faults == []
    images = [one for one in trial.deleted if trial.oracle.is_image(trial.before, one)]
    assert len(images) <= world.policy["guards"]["max_delete"]


@given(world=worlds(Traits(forges=True)))
def test_an_edited_journal_lets_nothing_go_that_the_policies_keep(world: World) -> None:
    trial = Trial(world)
    trial.forge_journal()

    trial.apply(trial.plan())

    assert trial.faults == []


@given(world=worlds(Traits(most=6)))
def test_what_was_restored_stays_when_the_observations_are_lost(world: World) -> None:
    trial = Trial(world)
    trial.apply(trial.plan())
    gone = frozenset(trial.deleted) - trial.storage.live.keys()
    if not gone:
        return
    undo(trial.scene)
    held = gone & trial.storage.live.keys()
    trial.own.seen = Observations()
    trial.scene.later(days=3)

    trial.apply(trial.plan())

    assert held <= trial.storage.live.keys()
