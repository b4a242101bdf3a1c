"""Calendar buckets, and dates that publishers write into tags."""

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
"""How many units of a time since 1970 make a second, by its number of digits."""

_AHEAD = timedelta(days=366)
"""How far ahead a date in a tag may lie. A number that says more is no date: this is what tells
seconds since 1970 from hours of the calendar, until 2032."""

_SEPARATORS = re.compile(r"[-._T]")


def bucket_of(kind: str, moment: datetime, zone: tzinfo) -> str:
    """Return the name of the bucket a moment falls into; names sort as the buckets do.

    Shape: the moment is not before `EARLIEST`, since years of fewer digits do not sort.
    """
    return f"{moment.astimezone(zone):{_BUCKETS[kind]}}"


def read_dates(texts: Iterable[str], zone: tzinfo, now: datetime) -> Mapping[str, datetime]:
    """Read the dates that one rule finds in tags; what is none, or may be two, is left out.

    A date is written as 20260131, 2026-01-31 or 20260131-1200, in the zone of the policy. Seconds
    or milliseconds since 1970 are read only where all of the texts are that: among others such a
    number may be anything.
    """
    wanted = frozenset(filter(None, texts))
    dates = _plausible({text: _calendar_date(text, zone) for text in wanted}, now)
    numbers = [
        _plausible({text: _since_1970(text, digits) for text in wanted}, now) for digits in _EPOCHS
    ]
    for moments in numbers:
        if moments.keys() == wanted and not dates:
            return moments
    doubtful = frozenset().union(*numbers)
    return {text: date for text, date in dates.items() if text not in doubtful}


def _plausible(read: Mapping[str, datetime | None], now: datetime) -> Mapping[str, datetime]:
    """Leave out what is before containers or far ahead: a number that was misread."""
    latest = now + _AHEAD
    return {text: when for text, when in read.items() if when and EARLIEST <= when <= latest}


def _calendar_date(text: str, zone: tzinfo) -> datetime | None:
    digits = _SEPARATORS.sub("", text)
    form = _DATES.get(len(digits))
    if form is None or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone)
    except ValueError:
        return None


def _since_1970(text: str, digits: int) -> datetime | None:
    if len(text) != digits or not (text.isascii() and text.isdigit()):
        return None
    return datetime.fromtimestamp(int(text) / _EPOCHS[digits], UTC)
