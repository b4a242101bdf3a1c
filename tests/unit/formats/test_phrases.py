"""Numbers, sizes and times read as people say them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.formats.phrases import age, counted, distance, duration, moment, shortened, size

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 images"), (1, "1 image"), (2, "2 images"), (12345, "12,345 images")]
)
def test_counts_agree_with_their_noun(number: int, text: str) -> None:
    assert counted(number, "image") == text


def test_an_irregular_plural_can_be_given() -> None:
    assert counted(2, "repository", "repositories") == "2 repositories"


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (10 * 1024, "10 KiB"),
        (10 * 1024 - 1, "10 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (18 * 1024**2, "18 MiB"),
        (3 * 1024**3, "3.0 GiB"),
        (5000 * 1024**5, "5000 PiB"),
    ],
)
def test_sizes_are_in_the_largest_unit_that_fits(octets: int, text: str) -> None:
    assert size(octets) == text


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(days=-3), "<1h"),
        (timedelta(minutes=59), "<1h"),
        (timedelta(hours=5), "5h"),
        (timedelta(hours=47), "47h"),
        (timedelta(days=3, hours=23), "3d"),
        (timedelta(days=729), "729d"),
        (timedelta(days=730), "2y"),
        (timedelta(days=1500), "4y"),
    ],
)
def test_ages_are_rounded_down_to_one_unit(delta: timedelta, text: str) -> None:
    assert age(delta) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.4, "0s"), (59, "59s"), (83, "1m 23s"), (3600, "1h 00m"), (8_100, "2h 15m")],
)
def test_durations_have_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


def test_times_are_shown_in_utc_wherever_they_come_from() -> None:
    local = datetime(2026, 11, 2, 13, 30, tzinfo=timezone(timedelta(hours=1)))

    assert moment(local) == "2026-11-02 12:30 UTC"


@pytest.mark.parametrize(
    ("hours", "text"), [(72, "in 3d"), (0.5, "in <1h"), (0, "<1h ago"), (-5, "5h ago")]
)
def test_a_distance_says_before_or_after(hours: float, text: str) -> None:
    assert distance(NOON + timedelta(hours=hours), NOON) == text


def test_only_a_text_that_is_too_long_is_cut() -> None:
    assert shortened("abcdefgh", 8) == "abcdefgh"
    assert shortened("abcdefghi", 8) == "abcde..."
