"""Times as people write them into files, bounded so that no age leaves the calendar."""

import re
from datetime import UTC, datetime
from typing import ClassVar, Self

from reconciler.errors import InvalidNameError
from reconciler.model.names import Name
from reconciler.model.spans import Span

_DAY = r"(?:19[7-9]\d|2\d{3})-\d\d-\d\d"
_TIME = rf"{_DAY}[T ]\d\d:\d\d:\d\d(?:\.\d{{1,6}})?(?:Z|[+-]\d\d:\d\d)"


class Instant(Name):
    """A time with its zone, from 1970 to 2999. Source: RFC 3339."""

    __slots__ = ()

    _kind: ClassVar[str] = "time with its zone, such as 2026-01-31T12:00:00Z"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(_TIME)

    def __new__(cls, text: str) -> Self:
        """Check that the calendar has such a day, and the clock such an hour."""
        instant = super().__new__(cls, text)
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
        """Return the moment it stands for."""
        return now - Span(self).delta if self._is_age else Instant(self).moment

    @property
    def _is_age(self) -> bool:
        return self[-1].islower()
