"""Time that passes only when somebody waits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from reconciler.transport.watch import RunClock, Wait

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass
class VirtualTime:
    """Seconds since noon, and every wait that was reported."""

    seconds: float = 0.0
    waits: list[Wait] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """The time by the clock."""
        return NOON + timedelta(seconds=self.seconds)

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds

    def watch(self) -> RunClock:
        """Return a watch that shows this time."""
        return RunClock(lambda: self.now, lambda: self.seconds, self.pass_by, self.waits.append)
