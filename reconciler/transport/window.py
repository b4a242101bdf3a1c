"""What was spent during the last minute, and how much a server seems to allow in one."""

from collections import deque

LEARNED = 0.95
"""The part of what was seen to pass that is tried after a refusal."""

SLOWED = 0.7
"""The least part of the allowance that one refusal leaves."""

GROWTH = 0.005
"""How much the allowance grows after a window without refusal, as a part of itself."""


class Window:
    """A sliding window of points. Units: seconds of one steady clock, given in ascending order."""

    def __init__(self, span: float) -> None:
        """Begin with nothing spent in the last `span` seconds."""
        self.span = span
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0

    def spend(self, points: int, now: float) -> None:
        """Count points from now on."""
        self._spent.append((now, points))
        self._total += points

    def spent(self, now: float) -> int:
        """Return how many points the window holds."""
        while self._spent and self._spent[0][0] + self.span <= now:
            self._total -= self._spent.popleft()[1]
        return self._total

    def delay(self, points: float, now: float) -> float:
        """Return in how many seconds at least so many points will have left the window."""
        end, leaving = now, 0
        for spent_at, spent in self._spent:
            if leaving >= points:
                break
            end, leaving = spent_at + self.span, leaving + spent
        return max(end - now, 0.0)


class PointAllowance:
    """How many points a window may hold: what is published, or less where refusals teach less.

    A refusal leaves what was just seen to pass, yet never takes more than a part at once: a
    server may as well count in shorter spans than ours. What was taken comes back slowly.
    """

    def __init__(self, published: int, span: float, now: float) -> None:
        """Begin with what is published; `span` is the length of the window in seconds."""
        self.points = float(published)
        self._most = float(published)
        self._span = span
        self._changed = now

    def shrink(self, passed: int, now: float) -> None:
        """Learn from a refusal: so many points had passed in the window before it."""
        seen = max(LEARNED * passed, SLOWED * self.points, 1.0)
        self.points = min(self.points, seen)
        self._changed = now

    def limit(self, told: int) -> None:
        """Keep below a limit that the server itself tells, now and from now on."""
        self._most = min(self._most, max(LEARNED * told, 1.0))
        self.points = min(self.points, self._most)

    def grow(self, now: float) -> None:
        """Learn from a request that passed, once a window has gone by without a refusal."""
        if self.points < self._most and now - self._changed >= self._span:
            self.points = min(self.points * (1 + GROWTH), self._most)
            self._changed = now
