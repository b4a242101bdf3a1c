"""The bench of plans: at a small size that it runs, at full size that its bars hold."""

import pytest

from tests.bench.bars import Bar
from tests.bench.bench_plan import BUILDS, LATENCIES, MANY_BUILDS, counted, measure, timed


def missed(*bars: Bar) -> list[str]:
    """Name the bars that do not hold."""
    return [str(bar) for bar in bars if not bar.holds]


def test_a_small_package_costs_the_requests_that_are_promised() -> None:
    rows = measure(40, 0.0, beside=True)

    assert [row.name for row in rows] == ["cold plan", "warm plan", "every manifest"]
    assert missed(*counted(40, rows)) == []
    assert rows[2].requests == 2 + 1 + 200
    assert rows[2].measured.value == 200
    assert rows[0].measured.value == rows[1].measured.value > 0
    assert all(row.measured.peak > 0 for row in rows)


@pytest.mark.bench
def test_ten_thousand_versions_are_planned_within_every_bar() -> None:
    latency = LATENCIES[0]
    rows = measure(BUILDS, latency, beside=True)

    assert missed(*counted(BUILDS, rows), *timed(rows, latency)) == []


@pytest.mark.bench
def test_a_hundred_thousand_versions_fit_into_a_gibibyte() -> None:
    latency = LATENCIES[0]
    rows = measure(MANY_BUILDS, latency, beside=False)

    assert missed(*counted(MANY_BUILDS, rows), *timed(rows, latency)) == []
