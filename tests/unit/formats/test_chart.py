"""Charts over time: round ticks, places in order, texts that are only texts."""

from datetime import date, timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest

from reconciler.formats.chart import PLOT, described, drawn, numbers, range_text, ticks
from reconciler.formats.report import Layer, Outlook, TimeChart
from tests.support.hostile import MARKUP

START = date(2026, 1, 1)
DAYS = [START + timedelta(days=7 * week) for week in range(4)]
CHART = TimeChart(
    "Versions",
    START,
    date(2026, 3, 1),
    DAYS,
    (Layer("needed", [1, 2, 3, 4], "keep"), Layer("not", [0, 2, 4, 6], "delete")),
    (Outlook("as it is", 10, 12, 19),),
)


def svg(chart: TimeChart) -> Element:
    """Draw a chart and read it as XML."""
    return fromstring(str(drawn(chart)))  # noqa: S314 - our own output


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (0, [0, 1]),
        (3, [0, 1, 2, 3]),
        (10, [0, 5, 10]),
        (1_022, [0, 500, 1_000, 1_500]),
        (1_340, [0, 500, 1_000, 1_500]),
        (60_000, [0, 20_000, 40_000, 60_000]),
    ],
)
def test_ticks_are_round_and_reach_the_top(top: float, expected: list[float]) -> None:
    assert ticks(top, binary=False) == expected


@pytest.mark.parametrize("top", [0, 1, 1_000, 1_024, 5 << 20, 13 << 30, 999 << 40])
def test_ticks_of_bytes_are_round_in_their_unit(top: int) -> None:
    steps = ticks(top, binary=True)

    assert steps[0] == 0
    assert steps[-1] >= top
    assert len(steps) <= 6


def test_areas_lie_on_one_another_and_end_today() -> None:
    areas = [part.get("points", "") for part in svg(CHART).iter("polygon")][:2]

    points = [[tuple(map(float, pair.split(","))) for pair in area.split()] for area in areas]
    # The upper edge of the first one is the lower edge of the second one.
    assert points[0][:4] == points[1][4:][::-1]
    assert max(x for x, _ in points[0]) == pytest.approx(1000 * 21 / 59, abs=0.1)
    assert all(0 <= y <= PLOT for _, y in (*points[0], *points[1]))


def test_what_is_expected_is_dashed_from_today_to_the_end() -> None:
    lines = [part.get("points", "") for part in svg(CHART).iter("polyline")]

    assert [line.rpartition(" ")[2].partition(",")[0] for line in lines[-2:]] == ["1000", "1000"]
    assert range_text(CHART, CHART.outlooks[0]) == "12 to 19"


def test_months_have_names_and_january_has_the_year() -> None:
    names = [part.text for part in svg(CHART).iter("text") if "name" in part.get("class", "")]

    assert names == ["Jan 2026", "Feb"]


def test_whoever_does_not_see_it_hears_beginning_end_and_what_is_expected() -> None:
    assert described(CHART) == (
        "needed: 1 on 2026-01-01, 4 now. not: 0 on 2026-01-01, 6 now."
        " as it is: 12 to 19 on 2026-03-01."
    )
    headings, rows = numbers(CHART)
    assert headings == ["Week of", "needed", "not"]
    assert rows[0] == ["2026-01-22", "4", "6"]


@pytest.mark.parametrize("text", MARKUP)
def test_a_hostile_text_is_only_text(text: str) -> None:
    layers = (Layer(text, [1, 1, 1, 1]),)
    hostile = TimeChart(text, START, DAYS[-1], DAYS, layers, about=text)

    tags = {part.tag for part in svg(hostile).iter()}

    assert tags <= {"svg", "title", "desc", "line", "polygon", "polyline", "text"}
