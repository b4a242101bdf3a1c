"""How a result is displayed: everything that a format depends on besides the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.comparison import Difference
from reconciler.model.effort import Rereads


@dataclass(frozen=True, slots=True)
class Cost:
    """The requests and the time that applying a plan takes.

    Units: `requests` and `deletions` are calls sent, deletions among the requests; `quota` is how
        many requests remain until the registry's limit is renewed, None where it has no limit.
    """

    requests: int
    deletions: int
    duration: timedelta
    quota: int | None = None
    window: float = 0.0
    """How long before a deletion, in seconds, a change of the image may be missed."""

    rereads: Rereads | None = None
    """What is read again meanwhile; `requests` and `duration` are the least then."""


@dataclass(frozen=True, slots=True)
class PageLink:
    """A page beside this one. Shape: `page` is its relative address, empty for this page itself."""

    title: str
    page: str


@dataclass(frozen=True, slots=True)
class View:
    """The time, the width and the options of the display.

    Formats read none of it from a terminal or a clock.

    Units: `width` in columns.
    """

    now: datetime
    width: int = 80
    colour: bool = False
    all_rows: bool = False
    cost: Cost | None = None
    against: Difference | None = None
    """The comparison with other policies, where `--against` was given."""

    pages: Sequence[PageLink] = ()
    """The pages beside this one, where there are several."""
