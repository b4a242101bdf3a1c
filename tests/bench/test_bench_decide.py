"""The measurement of deciding works, at a size that takes no time."""

from functools import partial

from tests.bench.bench_decide import deciding, planning
from tests.bench.measure import alone


def test_a_thousand_versions_are_decided_and_planned_at_once() -> None:
    decided = alone(partial(deciding, 1_000)).value
    planned = alone(partial(planning, 1_000)).value

    assert (decided.versions, decided.images, decided.doomed) == (1003, 191, 669)
    assert decided.seconds < 1
    assert planned < 1
