"""Compute calendar buckets, and read the dates that publishers write into tags."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from reconciler.model.inventory import EARLIEST

_BUCKETS = {
    "hourly": "%Y-%m-%dT%H",
    "daily": "%Y-%m-%d",
    "weekly": "%G-W%V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}
"""The name of each kind of bucket, as strftime writes it; weeks are those of ISO 8601."""

_DATES = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""How to read a date, by its number of digits."""

_EPOCHS = {10: 1, 13: 1000}
"""Units per second of a Unix time, by its number of digits: seconds or milliseconds."""

_AHEAD = timedelta(days=366)
"""How far in the future a date in a tag may be. A later one is not a date: until 2032, this
distinguishes a Unix time in seconds from a calendar date with hours, which has 10 digits too."""

_SEPARATORS = re.compile(r"[-._T]")


def bucket_of(kind: str, moment: datetime, zone: tzinfo) -> str:
    """Return the name of the bucket that contains a moment; names sort as the buckets do.

    Shape: the moment is not before `EARLIEST`, since years of fewer digits would not sort.
    """
    return f"{moment.astimezone(zone):{_BUCKETS[kind]}}"


def read_dates(texts: Iterable[str], zone: tzinfo, now: datetime) -> Mapping[str, datetime]:
    """Read the dates that one rule captures from tags; texts that are ambiguous are left out.

    A date is written as 20260131, 2026-01-31 or 20260131-1200, in the time zone of the policy.
    Unix times in seconds or milliseconds are read only if all texts are Unix times: among other
    values, such a number may mean anything.
    """
    wanted = frozenset(filter(None, texts))
    dates = _plausible({text: _calendar_date(text, zone) for text in wanted}, now)
    # `isdigit` alone accepts digits of every script.
    numbers = [text for text in wanted if text.isascii() and text.isdigit()]
    unix_times: list[Mapping[str, datetime]] = []
    for digits, units in _EPOCHS.items():
        fitting = [text for text in numbers if len(text) == digits]
        read = {text: datetime.fromtimestamp(int(text) / units, UTC) for text in fitting}
        unix_times.append(_plausible(read, now))
    for moments in unix_times:
        if moments.keys() == wanted and not dates:
            return moments
    doubtful = frozenset().union(*unix_times)
    return {text: date for text, date in dates.items() if text not in doubtful}


def _plausible(read: Mapping[str, datetime | None], now: datetime) -> Mapping[str, datetime]:
    """Leave out dates before the first container image or far in the future: misread numbers."""
    latest = now + _AHEAD
    return {text: when for text, when in read.items() if when and EARLIEST <= when <= latest}


def _calendar_date(text: str, zone: tzinfo) -> datetime | None:
    # The number of digits selects the format: `strptime` alone accepts fields of fewer digits.
    digits = _SEPARATORS.sub("", text)
    form = _DATES.get(len(digits))
    # `isdigit` alone accepts digits of every script.
    if form is None or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone)
    except ValueError:
        return None
