"""Times in files: with a zone, of this calendar, and never so far off that an age overflows."""

from datetime import UTC, datetime

import pytest

from reconciler.model.durations import Instant, Past

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, 0, tzinfo=UTC)),
        ("2026-01-31 12:00:00Z", datetime(2026, 1, 31, 12, 0, tzinfo=UTC)),
        ("2026-01-31T12:00:00.5+02:00", datetime(2026, 1, 31, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("1970-01-01T00:00:00-05:00", datetime(1970, 1, 1, 5, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_with_its_zone(text: str, moment: datetime) -> None:
    assert Instant(text).moment == moment
    assert Past(text).before(NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "2026-01-31T12:00:00+99:00",
        "0001-01-01T00:00:00Z",
        "3000-01-01T00:00:00Z",
        "31.01.2026 12:00",
        "9d",
        "",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time with its zone"):
        Instant(text)


def test_an_age_counts_back_from_now_however_far() -> None:
    assert Past("36h").before(NOW) == datetime(2026, 3, 1, 0, 0, tzinfo=UTC)
    assert Past("99999w").before(Instant("1970-01-01T00:00:00Z").moment).year == 53


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("9 days", "is not a time such as 2026-01-31T12:00:00Z, or an age such as 9d"),
        ("9D", "is not a time such as"),
        ("-9d", "is not a time such as"),
        ("9m", "unit 'm' is ambiguous or unknown; use h, d or w"),
        ("2026-13-01T00:00:00Z", "is not a time with its zone"),
        ("", "is not a time such as"),
    ],
)
def test_neither_a_time_nor_an_age_is_refused_with_the_cure(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Past(text)
