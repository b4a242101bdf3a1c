"""The sandbox's own time: it follows a given clock and can be moved forward."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    """Read the machine's clock as an aware UTC time."""
    return datetime.now(UTC)


def ticking(start: datetime) -> Callable[[], datetime]:
    """Return a clock that shows `start` now and runs at the usual speed."""
    ahead = start - utc_now()
    return lambda: utc_now() + ahead


class Clock:
    """A clock to read, and to push forward so that nobody has to wait."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Follow `now`, which may as well stand still."""
        self._now = now
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._now() + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the sandbox's time forward."""
        self._ahead += by
