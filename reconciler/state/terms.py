"""How long a lease lasts, and by which clocks that is told."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.model.ports import Clock

LEASE_SECONDS = 120.0
"""How long a lock is held without being renewed, in seconds."""

CLOCK_SKEW_SECONDS = 30.0
"""How much the clocks of two machines may differ, in seconds."""

REQUEST_SECONDS = 70.0
"""Longest time a request to a registry may still take effect after it was sent, in seconds."""

_TRUSTED_PART = 0.6
"""The part of a lease after which its holder does nothing more before it has renewed it."""

_BEATS = 3
"""How often in one lease its holder renews it."""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """The terms of a lease. Units: seconds."""

    lease: float = LEASE_SECONDS
    margin: float = CLOCK_SKEW_SECONDS + REQUEST_SECONDS

    @property
    def trusted(self) -> float:
        """How long a holder relies on its last renewal."""
        return self.lease * _TRUSTED_PART

    @property
    def beat(self) -> float:
        """How long after a renewal the next one is due."""
        return self.lease / _BEATS

    def free_from(self, lease_until: datetime) -> datetime:
        """Say when others may take the lock, if it is not renewed.

        By then whatever its holder had sent has come to an end.
        """
        return lease_until + timedelta(seconds=self.margin)


@dataclass(frozen=True, slots=True)
class Times:
    """A clock that machines share, and a steady one of this machine, in seconds."""

    now: Clock
    monotonic: Callable[[], float] = time.monotonic
