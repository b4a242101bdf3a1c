"""The bench of many repositories: at a small size that it runs, at full size that its bars hold."""

import pytest

from tests.bench.bench_fleet import LATENCY, REPOSITORIES, measure, required, timed


def test_a_few_repositories_have_the_same_plan_with_no_more_requests() -> None:
    rows = measure(5, 0.0)

    assert [str(bar) for bar in required(rows) if not bar.holds] == []
    assert rows[0].measured.value[0] > 0


@pytest.mark.bench
def test_two_hundred_repositories_are_planned_within_every_bar() -> None:
    rows = measure(REPOSITORIES, LATENCY)

    assert [str(bar) for bar in (*required(rows), *timed(rows)) if not bar.holds] == []
