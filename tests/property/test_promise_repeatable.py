"""Recorded and repeatable: late answers are found out, and a second apply deletes nothing."""

from hypothesis import given

from reconciler.errors import ExitCode
from tests.support.world_runs import Trial
from tests.support.worlds import Traits, World, worlds

GONE = frozenset({"deleted", "absent"})


@given(world=worlds(Traits()))
def test_the_same_plan_applied_again_deletes_nothing(world: World) -> None:
    trial = Trial(world)
    plan = trial.plan()

    applied = trial.apply(plan)
    trial.apply(plan)

    assert (applied.error, applied.exit_code) == (None, ExitCode.OK)
    assert trial.sent == []


@given(world=worlds(Traits(lies=False, events=("late", "late", "wait"))))
def test_the_journal_is_true_of_each_deletion_one_run_later(world: World) -> None:
    trial = Trial(world)
    trial.apply(trial.plan(), world.events)
    sent = set(trial.sent)
    trial.registry.settle()
    trial.scene.later(hours=1)

    trial.apply(trial.plan())

    for digest in sent | set(trial.sent):
        said, is_gone = trial.last_words[digest], digest not in trial.storage.live
        assert (said in GONE) == is_gone, f"{digest}: the journal says {said}"
