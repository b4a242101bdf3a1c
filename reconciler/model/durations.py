"""Durations and times as policies write them: whole hours, days or weeks; bounded dates."""

import re
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Self

from reconciler.errors import InvalidNameError
from reconciler.model.names import Name

FRESH_SECONDS = 5.0
"""Longest time, in seconds, between the check that a deletion depends on and its DELETE.

No client can make this zero, because registries have no conditional delete.
Source: docs/adr/0010-a-delete-is-sent-once-right-after-a-look.md.
"""

# No months and years, whose length varies, and no minutes: `m` is read as either of the two.
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}

_DAY = r"(?:19[7-9]\d|2\d{3})-\d\d-\d\d"
_TIME = rf"{_DAY}[T ]\d\d:\d\d:\d\d(?:\.\d{{1,6}})?(?:Z|[+-]\d\d:\d\d)"


class Span(Name):
    """A span such as `36h`, `30d` or `8w`, kept as written, so that reasons can quote it."""

    __slots__ = ()

    _kind: ClassVar[str] = "span of time: write a whole number with h, d or w, as in 30d"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(r"(?:0|[1-9][0-9]{0,4})[hdw]")

    def __new__(cls, text: str) -> Self:
        """Check the text, and explain an unknown unit such as m or y."""
        unit = re.fullmatch(r"\d+\s*([a-zA-Z]+)", text)
        if unit and unit[1] not in _UNITS:
            raise ValueError(
                f"unit {unit[1]!r} is ambiguous or unknown; use h, d or w (one year is 365d)"
            )
        return super().__new__(cls, text)

    @property
    def delta(self) -> timedelta:
        """The span as a timedelta."""
        return int(self[:-1]) * _UNITS[self[-1]]


def as_span(delta: timedelta) -> str:
    """Write a duration the way policies do, in whole hours below two days, else whole days."""
    # Nearly all ages are of many days, which need no division.
    if delta.days >= 2:
        return f"{delta.days}d"
    # Rounded down, so that an age is never displayed as more than it is.
    hours = int(delta.total_seconds() // 3600)
    return f"{hours}h" if abs(hours) < 48 else f"{hours // 24}d"


def precise_span(delta: timedelta) -> str:
    """Write a duration with a second unit, as in `270d 16h`: for one that is close to a limit."""
    whole = as_span(delta)
    if whole.endswith("d"):
        rest = int((delta % timedelta(days=1)).total_seconds() // 3600)
        return f"{whole} {rest}h" if rest else whole
    rest = int((delta % timedelta(hours=1)).total_seconds() // 60)
    return f"{whole} {rest}m" if rest else whole


class Instant(Name):
    """A time with its zone, from 1970 to 2999. Source: RFC 3339."""

    __slots__ = ()

    _kind: ClassVar[str] = "time with its zone, such as 2026-01-31T12:00:00Z"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(_TIME)

    def __new__(cls, text: str) -> Self:
        """Check the grammar, and that the date and the time of day exist."""
        instant = super().__new__(cls, text)
        # The grammar admits days such as 31 February.
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise InvalidNameError(cls._kind, text) from error
        return instant

    @property
    def moment(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromisoformat(self).astimezone(UTC)


class Past(Name):
    """When something happened: a time, or how long ago it was."""

    __slots__ = ()

    _kind: ClassVar[str] = "time such as 2026-01-31T12:00:00Z, or an age such as 9d"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(rf"{_TIME}|\d+[a-z]+")

    def __new__(cls, text: str) -> Self:
        """Check the time or the age."""
        past = super().__new__(cls, text)
        Span(text) if past._is_age else Instant(text)
        return past

    def before(self, now: datetime) -> datetime:
        """Return the time that it means, given the present."""
        return now - Span(self).delta if self._is_age else Instant(self).moment

    @property
    def _is_age(self) -> bool:
        return self[-1].islower()
