"""The time that waits are measured in, who is told of them, and the one place that sleeps."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import structlog

from reconciler.model.ports import Clock

log = structlog.get_logger()

REPORTED_SECONDS = 2.0
"""Shortest wait worth telling people about, in seconds."""

_SAME_WAIT = timedelta(seconds=1)
"""Ends this close together are one wait, seen by several threads."""


@dataclass(frozen=True, slots=True)
class Wait:
    """One wait, as people are told of it. Units: `seconds`; `until` is its end by the clock."""

    reason: str
    seconds: float
    until: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that was sent, tokens and repetitions included. Shape: `url` holds no secret."""

    method: str
    url: str


Observer = Callable[[Wait | Sent], None]
"""Whoever is told, from any thread, what goes on; it must not block."""


def log_wait(wait: Wait) -> None:
    """Tell of a wait in the log."""
    log.info(
        "waiting",
        reason=wait.reason,
        seconds=round(wait.seconds, 1),
        until=wait.until.isoformat(timespec="seconds"),
    )


@dataclass(frozen=True)
class RunClock:
    """A clock for people, a steady one for measuring, and a way to let time pass.

    `sleep` may raise, to end a run whose time is up: whoever waits has sent nothing yet.
    Units: `monotonic` and `sleep` in seconds.
    """

    now: Clock
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    report: Callable[[Wait], None] = log_wait
    _lock: Lock = field(default_factory=Lock)
    _reported: list[datetime] = field(default_factory=list)
    """The ends of the waits told of, the newest last."""

    _observers: list[Observer] = field(default_factory=list)

    @contextmanager
    def observed(self, observer: Observer) -> Iterator[None]:
        """Tell an observer of every request and wait, for the length of a `with` block.

        It is told of waits in place of the log, for it shows them.
        """
        self._observers.append(observer)
        try:
            yield
        finally:
            self._observers.remove(observer)

    def sent(self, request: Sent) -> None:
        """Tell of a request."""
        # Where nobody set up logging, everything would be printed, on stdout even.
        if structlog.is_configured():
            log.debug("request_sent", method=request.method, url=request.url)
        for observer in self._observers:
            observer(request)

    def wait(self, reason: str, seconds: float) -> None:
        """Sleep; a wait that several threads share is told of once."""
        if seconds >= REPORTED_SECONDS:
            self._report(Wait(reason, seconds, self.now() + timedelta(seconds=seconds)))
        self.sleep(seconds)

    def check(self) -> None:
        """Ask whether the run goes on, without waiting; a run that is to stop raises here."""
        self.sleep(0.0)

    def _report(self, wait: Wait) -> None:
        with self._lock:
            news = not self._reported or wait.until > self._reported[-1] + _SAME_WAIT
            if news:
                self._reported.append(wait.until)
        if news:
            for observer in self._observers:
                observer(wait)
            if not self._observers:
                self.report(wait)
