"""Calendar buckets in the policy's time zone, and dates that publishers write into tags."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from reconciler.core.calendar import bucket_of, read_date

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


def test_the_first_year_of_all_breaks_no_calendar() -> None:
    beginning = datetime(1, 1, 1, tzinfo=UTC)

    assert bucket_of("daily", beginning, NEW_YORK) < bucket_of(
        "daily", datetime(2026, 1, 1, tzinfo=UTC), UTC
    )
    assert bucket_of("yearly", beginning, UTC) == "1001"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20260131", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("2026.01.31", datetime(2026, 1, 31, tzinfo=BERLIN)),
        ("2026013112", datetime(2026, 1, 31, 12, tzinfo=BERLIN)),
        ("20260131-1259", datetime(2026, 1, 31, 12, 59, tzinfo=BERLIN)),
        ("20260131T125958", datetime(2026, 1, 31, 12, 59, 58, tzinfo=BERLIN)),
        ("00010101", datetime(1, 1, 1, tzinfo=BERLIN)),
    ],
)
def test_a_date_is_read_by_its_digits_in_the_zone_of_the_policy(
    text: str, moment: datetime
) -> None:
    assert read_date(text, BERLIN) == moment


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
        "202601311259599",
    ],
)
def test_any_other_text_is_no_date(text: str) -> None:
    assert read_date(text, BERLIN) is None
