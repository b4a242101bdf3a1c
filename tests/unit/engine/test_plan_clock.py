"""An apply believes ages only while the two clocks agree."""

from datetime import timedelta

import pytest

from reconciler.engine.plan import check_clock
from reconciler.errors import EvidenceError
from tests.support.scenes import Scene


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_clocks_a_few_minutes_apart_agree(scene: Scene, minutes: int) -> None:
    check_clock(scene.registry, scene.clock() + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("minutes", "words"), [(6, "6 minutes ahead of"), (-90, "90 minutes behind")]
)
def test_clocks_far_apart_stop_the_run_and_say_by_how_much(
    scene: Scene, minutes: int, words: str
) -> None:
    with pytest.raises(EvidenceError, match=words):
        check_clock(scene.registry, scene.clock() + timedelta(minutes=minutes))
