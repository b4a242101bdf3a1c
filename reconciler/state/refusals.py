"""What is said of a lock that cannot be had, or is had no longer; the same for all backends."""

from datetime import datetime

from reconciler.errors import LockedError, StateError
from reconciler.model.names import Repository
from reconciler.model.ports import Holder


def refusal(
    repository: Repository, holder: Holder | None, until: datetime | None = None
) -> LockedError:
    """Say who holds the lock, and until when if it is not renewed.

    None stands for a run that came a moment earlier and has not given its name.
    """
    known = described(holder) if holder else "a run that has not given its name yet"
    if until is None:
        advice = "If it hangs, stop its process: the lock goes with it."
    else:
        advice = f"If it died, the lock is free from {until:%Y-%m-%d %H:%M:%S} UTC on."
    return LockedError(
        f"{repository}: the lock is held by {known}",
        hint=f"Wait for that run to end, then run again. {advice} "
        "Where that takes too long, see `reconciler lock break`.",
    )


def described(holder: Holder) -> str:
    """Name a holder: its run, who and where that is, and since when."""
    process = f", process {holder.process}" if holder.process else ""
    return (
        f"run {holder.run} ({holder.who} on {holder.where}{process}) "
        f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    )


def without_lock(repository: Repository) -> StateError:
    """Say that something is to be written without the lock."""
    return StateError(f"{repository}: the state is written only under its lock")


def lost(repository: Repository) -> LockedError:
    """Say that this run had the lock, and has it no longer."""
    return LockedError(
        f"{repository}: the lock of this run was broken or removed, so it stops",
        hint="What it had begun is settled by the next run.",
    )


def not_the_holder(repository: Repository, run: str) -> LockedError:
    """Say that the lock to be broken belongs to somebody else, or to nobody."""
    return LockedError(
        f"{repository}: run {run} does not hold the lock",
        hint="`reconciler lock status` tells who does.",
    )
