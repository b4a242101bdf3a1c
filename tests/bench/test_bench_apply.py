"""The bench of deletions: at a small size that it runs, at full size that its bars hold."""

import pytest

from reconciler.sandbox.settings import STRICTER, Limits
from tests.bench.bench_apply import (
    BUILDS,
    FACTOR,
    STRICTER_FACTOR,
    VERSIONS_PER_BUILD,
    bars,
    measure,
)


def test_a_few_builds_go_under_limits_that_count_in_a_hundredth_of_their_time() -> None:
    pace = measure("published", Limits(), 4, 100)

    assert pace.results == {"deleted": 4 * VERSIONS_PER_BUILD}
    assert pace.refused == 0
    assert pace.points_per_minute > 0


def test_a_few_builds_go_although_limits_are_stricter_than_published() -> None:
    strict = STRICTER.model_copy(update={"content_per_minute": 10})

    pace = measure("stricter", strict, 4, 100)

    assert pace.results == {"deleted": 4 * VERSIONS_PER_BUILD}
    assert pace.refused > 0


@pytest.mark.bench
def test_six_hundred_versions_go_at_nine_tenths_of_the_allowed_rate() -> None:
    published = measure("published", Limits(), BUILDS, FACTOR)
    stricter = measure("stricter", STRICTER, BUILDS, STRICTER_FACTOR)

    assert [str(bar) for bar in bars(BUILDS, published, stricter) if not bar.holds] == []
