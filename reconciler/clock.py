"""The clock, in a module that loads nothing else: commands that only print need no session."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time; no other function of Reconciler reads the clock."""
    return datetime.now(UTC)
