"""The bench of `diagnose`: at a small size and at full size, no version is taken for another."""

import pytest

from reconciler.analysis.diagnose.causes import VersionCause
from reconciler.session import utc_now
from tests.bench.bars import Bar
from tests.bench.bench_diagnose import MIXES, bars, measure, rows, stages
from tests.support.diagnosed import Confusion


def missed(confusion: Confusion) -> list[Bar]:
    """Return the bars that do not hold."""
    return [bar for bar in bars(confusion) if not bar.holds]


def test_packages_read_from_a_registry_are_told_for_what_they_are() -> None:
    confusion = measure(list(stages(mixes=2, size=9, now=utc_now())))

    assert missed(confusion) == []
    assert {made for made, _ in confusion} == set(map(str, VersionCause))


def test_what_is_taken_for_another_shows_in_the_table_and_misses_the_bar() -> None:
    confusion = {("tagged", "tagged"): 9, ("tagged", "broken"): 1}

    assert [bar.value for bar in missed(confusion)] == [90.0, 1.0]
    table = {row[0]: row[1:] for row in rows(confusion)}
    assert table["tagged"] == ("10", "9", "1", "0", "1 broken")
    assert table["broken"] == ("0", "0", "0", "1", "")


@pytest.mark.bench
def test_every_version_of_every_package_is_told_for_what_it_is() -> None:
    confusion = measure(list(stages(MIXES, size=73, now=utc_now())))

    assert missed(confusion) == []
