"""The points that a server allows in a minute: published ones, and those learned from refusals."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock

import httpx

from reconciler.errors import PostponedError
from reconciler.transport.limits import (
    MAX_PATIENCE,
    Quota,
    Reason,
    Refusal,
    check_wait,
    quota_of,
    seconds_to,
)
from reconciler.transport.watch import RunClock

WINDOW_SECONDS = 60.0
"""The period over which servers count requests, in seconds."""

LONGEST_SILENT_WAIT = 900.0
"""Longest wait after a refusal without Retry-After, in seconds."""

CATCH_UP = 1.0 / 30.0
"""The part of a window that writes may catch up after falling behind their pace."""

_RESET_MARGIN = 1.0
"""Added to a reset time, which is given in whole seconds."""

_SHORTEST_WAIT = 0.001
"""Shortest sleep, in seconds, so that rounding cannot cause a busy loop."""

_TICK = 0.05
"""How long to wait if only pending responses can free points, in seconds."""

LEARNED = 0.95
"""The part of the observed throughput that is tried after a refusal."""

SLOWED = 0.7
"""The smallest part of the allowance that remains after one refusal."""

GROWTH = 0.005
"""By which part of itself the allowance grows after a window without refusal."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """The permission to send one request. Shape: `refusals` counts those before it."""

    points: int
    refusals: int


class Budget:
    """The points of one server, shared by all threads.

    Points count from the response, not from the request: the server counts them somewhere in
    between, so that its window never has more than ours.
    """

    def __init__(self, watch: RunClock, published: int, *, span: float = WINDOW_SECONDS) -> None:
        """Allow the published points in each `span` seconds."""
        now = watch.monotonic()
        self._watch = watch
        self._lock = Lock()
        self._window = Window(span)
        self._allowance = PointAllowance(published, span, now)
        self._in_flight = 0
        self._next_write = now
        self._blocked_until = now
        self._blocked_by = Reason.PACE
        self._refusals = 0
        self._in_a_row = 0
        self._quota: Quota | None = None

    @property
    def quota(self) -> Quota | None:
        """The hourly limit; None until a response has it."""
        return self._quota

    @property
    def per_minute(self) -> float:
        """The points a minute that the server allows, as far as known."""
        return self._allowance.points * 60.0 / self._window.span

    def delay(self, points: int) -> float:
        """Return how many seconds `reserve` would take now, as far as known."""
        return self._delay_of([points], 0.0)

    def reserve(self, costs: Sequence[int], each: float = 0.0) -> None:
        """Wait until requests with these costs can be sent one after another without a pause.

        They are spread evenly, as GitHub recommends, instead of a burst and a stop each minute.
        The reads before a deletion are included, or they would use up its points.

        Units: `each` is the shortest time of a request, in seconds; during it, earlier requests
            leave the window. A value that is too low only makes the wait longer.

        Raises: PostponedError, when that would take longer than MAX_PATIENCE.
        """
        given_up_at = self._watch.monotonic() + MAX_PATIENCE
        while (delay := self._delay_of(costs, each)) > 0:
            if self._watch.monotonic() + delay > given_up_at:
                raise PostponedError(f"{self._blocked_by}: the wait exceeds {MAX_PATIENCE:.0f} s")
            self._wait(delay)
        with self._lock:
            now, span = self._watch.monotonic(), self._window.span
            # Time lost to slow responses may be caught up, but only as much as CATCH_UP: a pause of
            # minutes must not end in a burst.
            missed = max(self._next_write, now - CATCH_UP * span)
            self._next_write = missed + sum(costs) * span / self._allowance.points

    def admit(self, points: int) -> Ticket:
        """Wait until a request may be sent; it is in flight until it is settled."""
        while (ticket := self.take(points)) is None:
            with self._lock:
                delay = self._delay(points, self._watch.monotonic())
            self._wait(delay)
        return ticket

    def take(self, points: int) -> Ticket | None:
        """Return a ticket if a request may be sent now, else None; without waiting."""
        with self._lock:
            if self._delay(points, self._watch.monotonic()) > 0:
                return None
            self._in_flight += points
            return Ticket(points, self._refusals)

    def settle(self, ticket: Ticket) -> None:
        """Count a request that is no longer in flight, successful or not."""
        with self._lock:
            self._in_flight -= ticket.points
            self._window.spend(ticket.points, self._watch.monotonic())

    def accepted(self, response: httpx.Response) -> None:
        """Learn from a response that is no refusal; pause when the hourly limit is used up."""
        with self._lock:
            now = self._watch.monotonic()
            self._in_a_row = 0
            self._allowance.grow(now)
            if quota := quota_of(response):
                self._quota = quota
                if not quota.remaining:
                    wait = seconds_to(quota.reset, response) or 0.0
                    self._hold(Reason.PRIMARY, now + wait + _RESET_MARGIN)

    def refused(self, ticket: Ticket, refusal: Refusal) -> bool:
        """Pause all requests for as long as the server asks, and send more slowly afterwards.

        False if this was learned already: requests in flight together are refused together.
        """
        with self._lock:
            if ticket.refusals != self._refusals:
                return False
            now = self._watch.monotonic()
            self._refusals += 1
            self._in_a_row += 1
            # What the server itself names counts; else what it accepted in the last window, without
            # the refused request. The hourly limit does not change the pace.
            if refusal.allowed:
                self._allowance.limit(refusal.allowed)
            elif refusal.reason is not Reason.PRIMARY:
                self._allowance.shrink(self._window.spent(now) - ticket.points, now)
            self._hold(refusal.reason, now + self._patience(refusal))
            return True

    def _delay_of(self, costs: Sequence[int], each: float) -> float:
        """Return in how many seconds the first of several requests may be sent."""
        with self._lock:
            now = self._watch.monotonic()
            sums = enumerate(accumulate(costs))
            delays = (self._delay(points, now) - place * each for place, points in sums)
            return max((*delays, self._next_write - now))

    def _delay(self, points: int, now: float) -> float:
        over = self._window.spent(now) + self._in_flight + points - self._allowance.points
        room = self._window.delay(over, now) if over > 0 else 0.0
        if over > 0 and not room and self._in_flight:
            room = _TICK
        return max(room, self._blocked_until - now)

    def _wait(self, seconds: float) -> None:
        is_blocked = self._watch.monotonic() < self._blocked_until
        reason = self._blocked_by if is_blocked else Reason.PACE
        check_wait(reason, seconds)
        self._watch.wait(reason, max(seconds, _SHORTEST_WAIT))

    def _hold(self, reason: Reason, until: float) -> None:
        if until > self._blocked_until:
            self._blocked_until, self._blocked_by = until, reason

    def _patience(self, refusal: Refusal) -> float:
        """Return the wait after a refusal: doubled for each refusal without a success between."""
        doubled = 2.0 ** (self._in_a_row - 1)
        if refusal.seconds is None:
            return min(self._window.span * doubled, LONGEST_SILENT_WAIT)
        # A server that asks for too short a wait again and again is not believed.
        again = self._window.span / 60.0 * doubled if self._in_a_row > 1 else 0.0
        return max(refusal.seconds, min(again, LONGEST_SILENT_WAIT))


class Window:
    """A sliding window of points. Units: seconds of one monotonic clock, in ascending order."""

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
        """Return the points in the window."""
        while self._spent and self._spent[0][0] + self.span <= now:
            self._total -= self._spent.popleft()[1]
        return self._total

    def delay(self, points: float, now: float) -> float:
        """Return in how many seconds at least `points` will have left the window."""
        end, leaving = now, 0
        for spent_at, spent in self._spent:
            if leaving >= points:
                break
            end, leaving = spent_at + self.span, leaving + spent
        return max(end - now, 0.0)


class PointAllowance:
    """The points allowed in a window: the published ones, or fewer after refusals.

    A refusal reduces them to what just succeeded, but only by a part at once, since a server may
    count in shorter periods than ours. They grow back slowly.
    """

    def __init__(self, published: int, span: float, now: float) -> None:
        """Start with the published points; `span` is the length of the window in seconds."""
        self.points = float(published)
        self._most = float(published)
        self._span = span
        self._changed = now

    def shrink(self, passed: int, now: float) -> None:
        """Learn from a refusal: `passed` points succeeded in the window before it."""
        capacity = max(LEARNED * passed, SLOWED * self.points, 1.0)
        self.points = min(self.points, capacity)
        self._changed = now

    def limit(self, allowed: int) -> None:
        """Stay below a limit that the server itself reported, from now on."""
        self._most = min(self._most, max(LEARNED * allowed, 1.0))
        self.points = min(self.points, self._most)

    def grow(self, now: float) -> None:
        """Learn from a successful request, after a window without a refusal."""
        if self.points < self._most and now - self._changed >= self._span:
            self.points = min(self.points * (1 + GROWTH), self._most)
            self._changed = now
