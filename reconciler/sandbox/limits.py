"""GitHub's published request limits, really counted."""

from datetime import timedelta
from typing import Literal, Self

from reconciler.model.frozen import Frozen

READ_POINTS = 1
WRITE_POINTS = 5
"""Points of a request. Source: GitHub, "Rate limits for the REST API", secondary limits."""


class Limits(Frozen):
    """What the sandbox lets through; the defaults are what GitHub publishes.

    Units: `minute` and `hour` are how long those take here; the counts are per such span.
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
    """Whether calling on while refused makes the wait longer."""

    minute: timedelta = timedelta(minutes=1)
    hour: timedelta = timedelta(hours=1)

    def scaled(self, factor: float) -> Self:
        """Let time pass `factor` times faster for the limits, so that tests need not wait."""
        spans = {"minute": self.minute / factor, "hour": self.hour / factor}
        return self.model_copy(update=spans)


UNLIMITED = Limits(primary=False, points=None, concurrent=None, registry_per_minute=None)
"""For those who measure something else."""

STRICTER = Limits(
    points=600,
    concurrent=20,
    content_per_minute=80,
    content_per_hour=500,
    registry_per_minute=2_000,
    refused_calls_count=True,
)
"""Less than published, and unforgiving: what a client must survive without harm."""
