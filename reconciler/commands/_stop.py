"""Stop an apply before its end: on a signal, or when its time budget is used up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event
from types import FrameType

from reconciler.errors import StoppedError
from reconciler.model.journal import Result
from reconciler.model.ports import Clock
from reconciler.model.results import Outcome

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Halt:
    """Whether to stop: called before each deletion and during each wait."""

    clock: Clock
    until: datetime | None = None
    remaining: int | None = None
    """How many deletions may still be made; None for any number."""

    _signalled: Event = field(default_factory=Event)

    @property
    def interrupted(self) -> bool:
        """Whether a signal was received."""
        return self._signalled.is_set()

    def __call__(self) -> str:
        """Return the reason to stop, or an empty text to continue."""
        if self.interrupted:
            return "interrupted"
        if self.until and self.clock() >= self.until:
            return "the time budget is used up"
        if self.remaining is not None and self.remaining <= 0:
            return "the allowed number of deletions was made"
        return ""

    def note(self, outcome: Outcome) -> None:
        """Count a deletion that succeeded."""
        if self.remaining is not None and outcome.result is Result.DELETED:
            self.remaining -= 1

    def interrupt(self) -> None:
        """Ask to stop, now."""
        self._signalled.set()

    def sleep(self, seconds: float) -> None:
        """Sleep, but no longer than the time budget, and not through a signal.

        Raises: StoppedError, when there is a reason to stop.
        """
        remaining = (self.until - self.clock()).total_seconds() if self.until else seconds
        # The event is set by a signal, which ends the wait at once.
        self._signalled.wait(max(0.0, min(seconds, remaining)))
        if reason := self():
            raise StoppedError(reason)


@contextmanager
def halting(
    clock: Clock, budget: timedelta | None = None, deletions: int | None = None
) -> Iterator[Halt]:
    """Turn the first SIGINT or SIGTERM into a clean stop; a second one ends the process."""
    halt = Halt(clock, None if budget is None else clock() + budget, deletions)

    def stop(number: int, _: FrameType | None) -> None:
        halt.interrupt()
        # The next signal ends the process, so that a run that hangs can be stopped.
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield halt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
