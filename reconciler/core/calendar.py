"""Calendar buckets, and dates that publishers write into tags."""

import re
from datetime import UTC, datetime, tzinfo

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

_EARLIEST = datetime(1001, 1, 1, tzinfo=UTC)
"""Images claim to be built in year 1, where no clock can be put back; nor do such years sort."""

_SEPARATORS = re.compile(r"[-._T]")


def bucket_of(kind: str, moment: datetime, zone: tzinfo) -> str:
    """Return the name of the bucket a moment falls into; names sort as the buckets do."""
    return f"{max(moment, _EARLIEST).astimezone(zone):{_BUCKETS[kind]}}"


def read_date(text: str, zone: tzinfo) -> datetime | None:
    """Read a date such as 20260131, 2026-01-31 or 20260131-1200; None when it is none."""
    digits = _SEPARATORS.sub("", text)
    form = _DATES.get(len(digits))
    if form is None or not (digits.isascii() and digits.isdigit()):
        return None
    try:
        return datetime.strptime(digits, form).replace(tzinfo=zone)
    except ValueError:
        return None
