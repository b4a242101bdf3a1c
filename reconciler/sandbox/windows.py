"""A sliding window that sums what was spent in it."""

from collections import deque
from datetime import datetime, timedelta


class SpendingWindow:
    """What was spent during the last `span`.

    Shape: times are given in ascending order.
    """

    def __init__(self, span: timedelta) -> None:
        """Begin with nothing spent."""
        self._span = span
        self._spent: deque[tuple[datetime, int]] = deque()
        self._total = 0

    def spend(self, amount: int, now: datetime) -> None:
        """Record an expense."""
        self._forget(now)
        self._spent.append((now, amount))
        self._total += amount

    def wait(self, amount: int, allowed: int, now: datetime) -> timedelta:
        """Return how long until `amount` more fits into `allowed`; zero when it fits now."""
        self._forget(now)
        over = self._total + amount - allowed
        for spent_at, spent in self._spent:
            if over <= 0:
                break
            over -= spent
            if over <= 0:
                return spent_at + self._span - now
        return timedelta() if over <= 0 else self._span

    def _forget(self, now: datetime) -> None:
        while self._spent and self._spent[0][0] + self._span <= now:
            self._total -= self._spent.popleft()[1]
