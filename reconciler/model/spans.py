"""Spans of time as policies write them: a whole number of hours, days or weeks."""

import re
from datetime import timedelta
from typing import ClassVar, Self

from reconciler.model.names import Name

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Span(Name):
    """A span such as `36h`, `30d` or `8w`, kept as written so that reasons can quote it."""

    __slots__ = ()

    _kind: ClassVar[str] = "span of time: write a whole number with h, d or w, as in 30d"
    _grammar: ClassVar[re.Pattern[str]] = re.compile(r"(?:0|[1-9][0-9]{0,4})[hdw]")

    def __new__(cls, text: str) -> Self:
        """Check the text, and explain the unit that people get wrong."""
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
    hours = int(delta.total_seconds() // 3600)
    return f"{hours}h" if abs(hours) < 48 else f"{hours // 24}d"
