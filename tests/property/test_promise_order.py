"""Order: what is not known to be older than enough others does not expire by a count."""

from hypothesis import given

from tests.support.world_runs import Trial
from tests.support.worlds import Traits, World, worlds

DOUBTFUL = (40.0, 40.0, 39.0, 39.0, 38.9, 3.0, None, -2.0)


def _expired(world: World) -> list[str]:
    """Apply, and return what expired although too few images are known to be newer."""
    trial = Trial(world)
    trial.apply(trial.plan())
    return [
        words
        for digest in trial.deleted
        for words in trial.oracle.unjustified(trial.before, digest, trial.began)
    ]


@given(world=worlds(Traits(lies=False, times=DOUBTFUL)))
def test_only_what_enough_images_were_pushed_after_expires(world: World) -> None:
    assert _expired(world) == []


@given(world=worlds(Traits(lies=False, closed=False, order="first_seen")))
def test_only_what_enough_images_were_first_seen_after_expires(world: World) -> None:
    assert _expired(world) == []


@given(world=worlds(Traits(lies=False, order="created", times=DOUBTFUL)))
def test_only_what_enough_images_were_built_after_expires(world: World) -> None:
    assert _expired(world) == []
