"""The clock of a run: time, sleeping, and reports of waits and requests to observers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock

from reconciler.errors import StoppedError
from reconciler.events import log
from reconciler.model.ports import Clock

REPORTED_SECONDS = 2.0
"""Shortest wait that is reported, in seconds: shorter ones would flood the log."""

_SAME_WAIT = timedelta(seconds=1)
"""Waits of several threads that end within this time are one wait."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait, as it is reported. Units: `seconds`; `until` is its end by the clock."""

    reason: str
    seconds: float
    until: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, token requests and retries included. Shape: `url` has no secret."""

    method: str
    url: str


Observer = Callable[[Wait | Sent], None]
"""Receives reports, from any thread; it must not block."""


def log_wait(wait: Wait) -> None:
    """Log a wait."""
    log.info(
        "waiting",
        reason=wait.reason,
        seconds=round(wait.seconds, 1),
        until=wait.until.isoformat(timespec="seconds"),
    )


@dataclass(frozen=True)
class RunClock:
    """A wall clock, a monotonic clock for measuring, and a function that sleeps.

    `sleep` may raise to stop the run: at that point, the request of the caller is not sent yet.
    None sleeps until `stop`. Units: `monotonic` and `sleep` in seconds.
    """

    now: Clock
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] | None = None
    report: Callable[[Wait], None] = log_wait
    _lock: Lock = field(default_factory=Lock)
    _reported: list[datetime] = field(default_factory=list)
    """The ends of the reported waits, the newest last."""

    _observers: list[Observer] = field(default_factory=list)
    _stopped: Event = field(default_factory=Event)

    @contextmanager
    def observed(self, observer: Observer) -> Iterator[None]:
        """Report every request and wait to an observer, during a `with` block.

        Waits are not logged then, since the observer displays them.
        """
        self._observers.append(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    def sent(self, request: Sent) -> None:
        """Report a request."""
        log.debug("request_sent", method=request.method, url=request.url)
        for observer in self._observers:
            observer(request)

    def wait(self, reason: str, seconds: float) -> None:
        """Sleep; a wait that several threads share is reported once."""
        if seconds >= REPORTED_SECONDS:
            wait = Wait(reason, seconds, self.now() + timedelta(seconds=seconds))
            with self._lock:
                is_new = not self._reported or wait.until > self._reported[-1] + _SAME_WAIT
                if is_new:
                    self._reported.append(wait.until)
            # Outside the lock: an observer may wait for a thread that waits here.
            for observer in self._observers if is_new else ():
                observer(wait)
            if is_new and not self._observers:
                self.report(wait)
        self._sleep(seconds)

    def check(self) -> None:
        """Raise if the run is to stop; without waiting."""
        self._sleep(0.0)

    def stop(self) -> None:
        """End the run: from now on every wait and every check raises StoppedError, in any thread.

        What waits already is woken, unless the run was given a `sleep` of its own.
        """
        self._stopped.set()

    def _sleep(self, seconds: float) -> None:
        if self.sleep:
            self.sleep(seconds)
        # For no time at all, the interpreter is not given up to another thread.
        elif seconds > 0:
            self._stopped.wait(seconds)
        if self._stopped.is_set():
            raise StoppedError("the run was ended")
