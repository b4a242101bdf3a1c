"""How long a check before deletions holds, and what deletions take: requests and time."""

from dataclasses import dataclass

from reconciler.model.durations import FRESH_SECONDS

TOGETHER = 10
"""Most deletions after one check: about as many as a registry carries out within FRESH_SECONDS."""

SENDING_SECONDS = 1.0
"""The part of FRESH_SECONDS that is reserved for sending the requests, in seconds."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the rate limits of a registry allow, as far as it has reported them.

    Units: deletions in a minute, and requests until its limit is renewed; None for no limit.
    """

    deletions_per_minute: float | None = None
    requests_left: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """How much there is to delete in one repository, and to read again before that.

    Units: `pages` of its listing, `versions` in it; `images` are the deletions that a check must
        request one by one; `unread` documents of versions to delete are not read yet.
    """

    pages: int
    versions: int
    deletions: int
    images: int
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Rereads:
    """So many tags are read again every so many seconds as long as deletions go on."""

    tags: int
    every: float


@dataclass(frozen=True, slots=True)
class Effort:
    """The estimated cost of the deletions in one repository, in seconds.

    `window` is the longest time between the last check of an image and its deletion. With
    `rereads`, requests and seconds are the least: both grow where a DELETE takes the registry
    longer than a read, which only a DELETE shows.
    """

    requests: int
    seconds: float
    window: float = FRESH_SECONDS
    rereads: Rereads | None = None
