"""Calendar buckets in the policy's time zone, and dates that publishers write into tags."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reconciler.core.calendar import bucket_of, read_dates
from tests.support.time import NOON

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("kind", "bucket"),
    [
        ("hourly", "2026-01-01T00"),
        ("daily", "2026-01-01"),
        ("weekly", "2026-W01"),
        ("monthly", "2026-01"),
        ("yearly", "2026"),
    ],
)
def test_a_moment_falls_into_the_bucket_of_the_local_calendar(kind: str, bucket: str) -> None:
    moment = datetime(2025, 12, 31, 23, 30, tzinfo=UTC)

    assert bucket_of(kind, moment, BERLIN) == bucket


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-W44"),
        (datetime(2026, 11, 2, tzinfo=UTC), "2026-W45"),
        (datetime(2027, 1, 3, tzinfo=UTC), "2026-W53"),
        (datetime(2024, 12, 30, tzinfo=UTC), "2025-W01"),
    ],
)
def test_weeks_are_those_of_iso_8601(day: datetime, week: str) -> None:
    assert bucket_of("weekly", day, UTC) == week


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260131", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("2026.01.31", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("2026013112", datetime(2026, 1, 31, 12, tzinfo=BERLIN)),
        ("20260131-1259", datetime(2026, 1, 31, 12, 59, tzinfo=BERLIN)),
        ("20260131T125958", datetime(2026, 1, 31, 12, 59, 58, tzinfo=BERLIN)),
    ],
)
def test_a_date_is_read_by_its_digits_in_the_zone_of_the_policy(
    text: str, moment: datetime
) -> None:
    assert read_dates([text], BERLIN, NOON) == {text: moment}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "202601",
        "20261399",
        "20260230",
        "2026013124",
        "2026013112599",
        "yesterday",
        "2026-01-31+1",
        "٢٠٢٦٠١٣١",
        "00000101",
        "00010101",
        "20121231",
        "20280101",
        "1000000000",
        "9999999999",
        "202601311259599",
    ],
)
def test_any_other_text_is_no_date(text: str) -> None:
    assert read_dates([text], BERLIN, NOON) == {}


@pytest.mark.parametrize(
    ("texts", "readable"),
    [
        (["1764547200", "1764547201"], ["1764547200", "1764547201"]),
        (["1764547200123", "1764547201999"], ["1764547200123", "1764547201999"]),
        (["1764547200", "1764547200123"], []),
        (["1764547200", "1999"], []),
        (["1764547200", "2026013112"], ["2026013112"]),
        (["1764547200", "", "20260131"], ["20260131"]),
        (["1764547200", ""], ["1764547200"]),
        (["2026013112", "sometime"], ["2026013112"]),
    ],
)
def test_numbers_are_seconds_only_where_all_values_are(
    texts: list[str], readable: list[str]
) -> None:
    assert sorted(read_dates(texts, BERLIN, NOON)) == sorted(readable)


def test_seconds_and_thousandths_since_1970_are_read_as_the_same_moment() -> None:
    moment = datetime(2025, 12, 1, tzinfo=UTC)

    assert read_dates(["1764547200"], BERLIN, NOON) == {"1764547200": moment}
    assert read_dates(["1764547200000"], BERLIN, NOON) == {"1764547200000": moment}


def test_a_number_that_may_be_either_is_no_date() -> None:
    """From 2032 on the hours of the calendar and the seconds since 1970 look alike."""
    later = datetime(2033, 12, 1, tzinfo=UTC)

    assert read_dates(["2013010100"], UTC, later) == {}
    assert read_dates(["2013010100"], UTC, NOON) != {}
