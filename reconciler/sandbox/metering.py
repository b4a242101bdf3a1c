"""Rate limits: count calls in sliding windows, and refuse those above the limits."""

from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from reconciler.sandbox.accounts import ANONYMOUS_HOURLY, Account
from reconciler.sandbox.call import github_refusal, registry_refusal
from reconciler.sandbox.settings import READ_POINTS, WRITE_POINTS, Clock, Limits

_PRIMARY = "API rate limit exceeded for {who}."
_SECONDARY = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)
_READS = frozenset({"GET", "HEAD", "OPTIONS"})


class SpendingWindow:
    """The points spent during the last `span`.

    Shape: calls pass their times in ascending order.
    """

    def __init__(self, span: timedelta) -> None:
        """Start with nothing spent."""
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


@dataclass(slots=True)
class _Quota:
    """One caller's counts: of the hour, of the minute, and of concurrent calls."""

    limit: int
    reset: datetime
    points: SpendingWindow
    content: tuple[SpendingWindow, SpendingWindow]
    used: int = 0
    in_flight: int = 0


@dataclass(slots=True)
class Meter:
    """The counters of every caller and of every namespace of the registry."""

    limits: Limits
    clock: Clock
    _quotas: dict[str, _Quota] = field(default_factory=dict)
    _registry: dict[str, SpendingWindow] = field(init=False)

    def __post_init__(self) -> None:
        """Count registry calls by the minute."""
        self._registry = defaultdict(lambda: SpendingWindow(self.limits.minute))

    @contextmanager
    def visit(self, account: Account | None, method: str) -> Iterator[None]:
        """Count a call of the REST API by the minute, and as concurrent until the block ends.

        Raises: RefusedError, when it is over a secondary limit.
        """
        quota = self._quota(account)
        # A refused call is concurrent, too, so it is counted before the limits are checked.
        quota.in_flight += 1
        try:
            self._check_secondary(quota, method)
            yield
        finally:
            quota.in_flight -= 1

    def charge(self, account: Account | None) -> None:
        """Count a call by the hour.

        Raises: RefusedError, when it is over the primary limit.
        """
        quota = self._quota(account)
        if self.limits.primary and quota.used >= quota.limit:
            who = f"user {account.login}" if account else "this address"
            raise github_refusal(self.limits.status, _PRIMARY.format(who=who))
        quota.used += 1

    def refund(self, account: Account | None) -> None:
        """Subtract a call that does not count after all, unless a new hour has begun since."""
        quota = self._quota(account)
        quota.used = max(quota.used - 1, 0)

    def headers(self, account: Account | None) -> dict[str, str]:
        """Return the rate limit headers for a caller."""
        if not self.limits.primary:
            return {}
        return {f"x-ratelimit-{name}": str(value) for name, value in self.rate(account).items()}

    def rate(self, account: Account | None) -> dict[str, int | str]:
        """Return a caller's primary rate limit, under GitHub's names."""
        quota = self._quota(account)
        return {
            "limit": quota.limit,
            "remaining": max(quota.limit - quota.used, 0),
            "used": quota.used,
            "reset": ceil(quota.reset.timestamp()),
            "resource": "core",
        }

    def admit(self, namespace: str) -> None:
        """Count a call of the registry.

        Raises: RefusedError, with the wait in its text, when the namespace is over its limit.
        """
        allowed, now = self.limits.registry_per_minute, self.clock.now()
        if allowed is None:
            return
        window = self._registry[namespace]
        wait = window.wait(1, allowed, now)
        if wait:
            # ghcr.io sends no `Retry-After` header: the wait is only in this text.
            text = f"retry-after: {_go_duration(wait)}, allowed: {allowed}/minute"
            raise registry_refusal(429, "TOOMANYREQUESTS", text)
        window.spend(1, now)

    def _quota(self, account: Account | None) -> _Quota:
        now = self.clock.now()
        key = account.quota if account else ""
        limit = account.hourly_limit if account else ANONYMOUS_HOURLY
        quota = self._quotas.get(key)
        if quota is None:
            minute, hour = self.limits.minute, self.limits.hour
            content = (SpendingWindow(minute), SpendingWindow(hour))
            quota = _Quota(limit, now + hour, SpendingWindow(minute), content)
            self._quotas[key] = quota
        if now >= quota.reset:
            # The new hour begins with this call, and not where the last one ended.
            quota.used, quota.reset = 0, now + self.limits.hour
        return quota

    def _check_secondary(self, quota: _Quota, method: str) -> None:
        now = self.clock.now()
        wait = max(self._waits(quota, method, now))
        # By the published limits a refused call does not count; in the stricter mode it does.
        if not wait or self.limits.refused_calls_count:
            quota.points.spend(_points(method), now)
            if method not in _READS:
                for window in quota.content:
                    window.spend(1, now)
        if wait:
            # Whole seconds, and at least one: with 0 a client would not wait at all.
            seconds = str(max(ceil(wait.total_seconds()), 1))
            headers = {"retry-after": seconds} if self.limits.retry_after else {}
            raise github_refusal(self.limits.status, _SECONDARY, headers)

    def _waits(self, quota: _Quota, method: str, now: datetime) -> list[timedelta]:
        """Return the wait that each of the secondary limits requires for this call."""
        limits, reads = self.limits, method in _READS
        # GitHub does not publish how long to wait here; a minute is what it advises in general.
        crowded = limits.concurrent is not None and quota.in_flight > limits.concurrent
        waits = [limits.minute if crowded else timedelta()]
        if limits.points is not None:
            waits.append(quota.points.wait(_points(method), limits.points, now))
        per_span = (limits.content_per_minute, limits.content_per_hour)
        for window, allowed in zip(quota.content, per_span, strict=True):
            if allowed is not None and not reads:
                waits.append(window.wait(1, allowed, now))
        return waits


def _points(method: str) -> int:
    return READ_POINTS if method in _READS else WRITE_POINTS


def _go_duration(wait: timedelta) -> str:
    """Write a wait the way Go prints a duration below a minute."""
    microseconds = wait / timedelta(microseconds=1)
    if microseconds < 1_000:
        return f"{microseconds:g}µs"
    if microseconds < 1_000_000:
        return f"{microseconds / 1_000:g}ms"
    return f"{microseconds / 1_000_000:g}s"
