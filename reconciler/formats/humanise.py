"""Numbers, sizes and times as people say them. Plain ASCII, so that widths can be counted."""

from datetime import UTC, datetime, timedelta

from reconciler.model.spans import as_span

_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB")
_TWO_YEARS = timedelta(days=2 * 365)


def counted(number: int, singular: str, plural: str = "") -> str:
    """Write a number with its noun, as in `1 image` and `1,234 images`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def size(octets: int) -> str:
    """Write a number of bytes in the unit that leaves at most four digits."""
    if octets < 1024:
        return f"{octets} B"
    amount, unit = octets / 1024, _UNITS[0]
    for larger in _UNITS[1:]:
        # What would be rounded up to 1024 belongs to the next unit.
        if amount < 1023.5:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def age(delta: timedelta) -> str:
    """Write an age in hours, days or years, rounded down; below an hour it is `<1h`."""
    if delta < timedelta(hours=1):
        return "<1h"
    return as_span(delta) if delta < _TWO_YEARS else f"{delta.days // 365}y"


def duration(delta: timedelta) -> str:
    """Write how long something took, in two units at most."""
    seconds = max(0, round(delta.total_seconds()))
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60:02}s"
    return f"{seconds // 3600}h {seconds % 3600 // 60:02}m"


def moment(when: datetime) -> str:
    """Write a time to the minute, in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def distance(when: datetime, now: datetime) -> str:
    """Say how far away a time is: `in 3d`, or `5h ago`."""
    return f"in {age(when - now)}" if when > now else f"{age(now - when)} ago"


def shortened(text: str, limit: int) -> str:
    """Cut a text that is longer than `limit` characters, and show that it was cut."""
    return text if len(text) <= limit else text[: limit - 3] + "..."
