"""Everything about a sandbox that can be chosen before it starts."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import NonNegativeFloat, NonNegativeInt

from reconciler.model.frozen import Frozen
from reconciler.sandbox.accounts import ACTIONS, CLASSIC, Account
from reconciler.sandbox.clock import utc_now
from reconciler.sandbox.limits import Limits


class Lag(Frozen):
    """How long the versions listing goes on showing what was before a change.

    Units: `reads` in listing pages served. A change shows when both have passed.
    """

    time: timedelta = timedelta()
    reads: NonNegativeInt = 0


class SandboxSettings(Frozen):
    """How the sandbox behaves where GitHub's behaviour is a choice, a right or a limit.

    Units: `latency` in seconds added to every answer; `token_seconds` life of a registry token.
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
    """Whether listings carry an ETag; no source says whether GitHub's do."""

    restore_tags: bool = True
    """Whether a restored version gets back those of its tags that are still free."""

    refusal_status: Literal[400, 422] = 400
    """The status of a deletion that GitHub refuses; clients have seen both."""

    referrers_redirect: str = ""
    """Where the referrers endpoint sends callers; empty for the 404 it usually gives."""
