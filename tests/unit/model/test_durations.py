"""Spans of time are whole hours, days or weeks, and are shown the same way."""

from datetime import timedelta

import pytest

from reconciler.errors import InvalidNameError
from reconciler.model.durations import Span, as_span


@pytest.mark.parametrize(
    ("text", "hours"),
    [("0h", 0), ("1h", 1), ("36h", 36), ("30d", 720), ("8w", 1344), ("99999w", 16_799_832)],
)
def test_a_span_is_a_whole_number_of_hours_days_or_weeks(text: str, hours: int) -> None:
    assert Span(text).delta == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text", ["", "30", "d", "-1d", "1.5d", "030d", "1 d", "1d ", "1d12h", "100000d", "٣d", "1d\n"]
)
def test_any_other_text_is_no_span(text: str) -> None:
    with pytest.raises(InvalidNameError, match="is not a span of time"):
        Span(text)


@pytest.mark.parametrize("text", ["5m", "10min", "1y", "3 months", "30D", "60s"])
def test_a_unit_that_people_get_wrong_is_explained(text: str) -> None:
    with pytest.raises(ValueError, match="use h, d or w"):
        Span(text)


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(0), "0h"),
        (timedelta(minutes=59), "0h"),
        (timedelta(hours=47, minutes=59), "47h"),
        (timedelta(hours=48), "2d"),
        (timedelta(days=29, hours=23, minutes=59), "29d"),
        (timedelta(days=400), "400d"),
    ],
)
def test_a_duration_is_shown_in_whole_hours_below_two_days_then_in_days(
    delta: timedelta, text: str
) -> None:
    assert as_span(delta) == text
