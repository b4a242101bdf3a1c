"""Settings of a sandbox: limits, lag, choices of behaviour; and its clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import NonNegativeFloat, NonNegativeInt

from reconciler.model.base import Frozen
from reconciler.sandbox.accounts import ACTIONS, CLASSIC, Account

READ_POINTS = 1
WRITE_POINTS = 5
"""Points of a request. Source: GitHub, "Rate limits for the REST API", secondary limits."""


class Limits(Frozen):
    """Rate limits; the defaults are those that GitHub publishes.

    Units: `minute` and `hour` are how long those take here; the counts are per such period.
    Source: GitHub, "Rate limits for the REST API".
    """

    primary: bool = True
    points: int | None = 900
    concurrent: int | None = 100
    content_per_minute: int | None = None
    content_per_hour: int | None = None
    registry_per_minute: int | None = 44_000
    """Calls of one namespace to the registry. Source: the text of its 429 answers."""

    status: Literal[403, 429] = 403
    retry_after: bool = True
    """Whether a secondary refusal says how long to wait."""

    refused_calls_count: bool = False
    """Whether refused calls count, so that repeating them prolongs the wait."""

    minute: timedelta = timedelta(minutes=1)
    hour: timedelta = timedelta(hours=1)

    def scaled(self, factor: float) -> Self:
        """Return limits whose periods are `factor` times shorter, so that tests need not wait."""
        spans = {"minute": self.minute / factor, "hour": self.hour / factor}
        return self.model_copy(update=spans)


UNLIMITED = Limits(primary=False, points=None, concurrent=None, registry_per_minute=None)
"""No limits, for measurements of something else."""

STRICTER = Limits(
    points=600,
    concurrent=20,
    content_per_minute=80,
    content_per_hour=500,
    registry_per_minute=2_000,
    refused_calls_count=True,
)
"""Lower limits than published, where refused calls count: a client must cope with them."""


def utc_now() -> datetime:
    """Read the machine's clock as an aware UTC time."""
    return datetime.now(UTC)


def ticking(start: datetime) -> Callable[[], datetime]:
    """Return a clock that starts at `start` and runs at normal speed."""
    ahead = start - utc_now()
    return lambda: utc_now() + ahead


class Clock:
    """A clock that can be moved forward, so that tests need not wait."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Follow `now`, which may also return a constant."""
        self._now = now
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self._now() + self._ahead

    def advance(self, by: timedelta) -> None:
        """Move the sandbox's time forward."""
        self._ahead += by


class Lag(Frozen):
    """How long the versions listing shows the state before a change.

    Units: `reads` in listing pages served. A change is shown when both have passed.
    """

    time: timedelta = timedelta()
    reads: NonNegativeInt = 0


class SandboxSettings(Frozen):
    """How the sandbox behaves where GitHub varies: accounts, limits, and undocumented choices.

    Units: `latency` in seconds added to every answer; `token_seconds` is the life of a registry
        token.
    """

    accounts: tuple[Account, ...] = (CLASSIC, ACTIONS)
    limits: Limits = Limits()
    lag: Lag = Lag()
    latency: NonNegativeFloat = 0.0
    token_seconds: int = 300
    now: Callable[[], datetime] = utc_now
    date_skew: timedelta = timedelta()
    """How far the `Date` header is from the sandbox's time."""

    etags: bool = True
    """Whether listings have an ETag; it is not documented whether GitHub's have."""

    restore_tags: bool = True
    """Whether a restored version gets back its tags, unless another version has them."""

    refusal_status: Literal[400, 422] = 400
    """The status of a deletion that GitHub refuses; clients have seen both."""

    referrers_redirect: str = ""
    """Where the referrers endpoint redirects to; empty for its usual 404."""
