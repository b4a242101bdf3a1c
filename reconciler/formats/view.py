"""How a result will be looked at: everything a format may depend on besides the result."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.comparison import Difference


@dataclass(frozen=True, slots=True)
class Cost:
    """What applying a plan will take.

    Units: `requests` and `deletions` are calls sent, deletions among the requests; `quota` is how
        many requests are left until the registry's limit is renewed, None where it has no limit.
    """

    requests: int
    deletions: int
    duration: timedelta
    quota: int | None = None
    window: float = 0.0
    """How long before its deletion, in seconds, what happens to an image may be missed."""


@dataclass(frozen=True, slots=True)
class View:
    """Who looks, when, and at how much. Formats read none of it from a terminal or a clock.

    Units: `width` in columns.
    """

    now: datetime
    width: int = 80
    colour: bool = False
    all_rows: bool = False
    cost: Cost | None = None
    against: Difference | None = None
    """What separates the plan from that of other policies, where somebody asked."""
