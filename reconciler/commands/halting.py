"""When an apply stops before its end: a signal, or a budget that is used up."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

from reconciler.model.ports import Clock

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Halt:
    """Answers, before each deletion, whether to stop; call it as a function."""

    clock: Clock
    until: datetime | None = None
    interrupted: bool = False

    def __call__(self) -> str:
        """Return the reason to stop, empty to go on."""
        if self.interrupted:
            return "interrupted"
        if self.until and self.clock() >= self.until:
            return "the time budget is used up"
        return ""


@contextmanager
def halting(clock: Clock, budget: timedelta | None) -> Iterator[Halt]:
    """Turn the first SIGINT or SIGTERM into a clean stop; a second one ends the process."""
    halt = Halt(clock, clock() + budget if budget else None)

    def stop(number: int, _: FrameType | None) -> None:
        halt.interrupted = True
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield halt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
