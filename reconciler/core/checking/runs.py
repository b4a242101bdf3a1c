"""What runs left behind: intents without an outcome, locks, deletions that can be taken back."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime

from reconciler.core.checking.finding import HealthFinding, HealthInput, Kind, Thresholds
from reconciler.core.checking.wording import called, shortly, versions
from reconciler.core.history import Attempt, attempts
from reconciler.model.journal import open_intents, open_runs
from reconciler.model.spans import as_span


def stale_lock(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find a lock whose holder has ended, or holds it for too long."""
    holder = standing.holder
    if holder is None:
        return
    held = standing.now - holder.since
    if not standing.holder_ended and held <= bounds.lock:
        return
    state = "has ended, and its lock is held" if standing.holder_ended else "has held its lock"
    yield HealthFinding(
        Kind.STALE_LOCK,
        f"run {holder.run} ({holder.who} on {holder.where}) {state} for {as_span(held)}",
        f"If it does no more, end its process, or: reconciler lock break --id {holder.run}",
    )


def open_ends(standing: HealthInput, _: Thresholds) -> Iterator[HealthFinding]:
    """Find runs that ended without saying how, whoever holds the lock now aside."""
    pending = Counter(record.run for record in open_intents(standing.records).values())
    alive = standing.holder.run if standing.holder and not standing.holder_ended else ""
    for run in sorted({*pending, *open_runs(standing.records)} - {alive}):
        unknown = f"; of {versions(pending[run])} not known what became" if run in pending else ""
        yield HealthFinding(
            Kind.OPEN_RUN,
            f"run {run} was cut off{unknown}",
            "Run `reconciler apply`: it asks the registry, writes that down and goes on.",
        )


def closing_windows(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find deletions that can be taken back for a short time only, run by run."""
    by_run: dict[str, list[tuple[datetime, Attempt]]] = defaultdict(list)
    for attempt in attempts(standing.records):
        until = attempt.until
        if attempt.is_standing and until and standing.now < until <= standing.now + bounds.undo:
            by_run[attempt.run].append((until, attempt))
    for run, closing in sorted(by_run.items()):
        first = min(until for until, _ in closing)
        yield HealthFinding(
            Kind.UNDO_CLOSING,
            f"what run {run} deleted can be restored until {shortly(first)} and no longer",
            f"If any of it is missed: reconciler undo {run}",
            tuple(called(attempt.tags, attempt.digest) for _, attempt in closing),
        )
