"""One run of `apply`, `undo` or `undo --release`: its identity, its clocks, and when it stops."""

import getpass
import os
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.model.ports import Clock, Holder
from reconciler.model.results import Outcome


@dataclass(frozen=True, slots=True)
class Run:
    """One run, from its first lock to its last.

    `halt` returns a reason to stop before the next deletion, empty to go on. `report` is called
    with each outcome as it is known.
    """

    holder: Holder
    """What its locks and its records say of it."""

    clock: Clock
    halt: Callable[[], str]
    report: Callable[[Outcome], None]
    monotonic: Callable[[], float] = time.monotonic
    """The steady clock, in seconds, by which the age of a look is measured."""

    at_once: int | None = None
    """Most DELETEs sent at the same time; None for as many as the registry allows. With 1, `halt`
    knows the outcome of each before the next one."""

    @property
    def id(self) -> str:
        """The id of the run, which begins with its start, so that ids sort by time."""
        return self.holder.run

    @property
    def who(self) -> str:
        """Who began it, and on which machine: `USER@HOST`."""
        return self.holder.address


def begin(
    clock: Clock,
    halt: Callable[[], str],
    watching: Sequence[Callable[[Outcome], None]],
    monotonic: Callable[[], float] = time.monotonic,
) -> Run:
    """Begin a run; each of `watching` is called with each outcome."""

    def report(outcome: Outcome) -> None:
        for watcher in watching:
            watcher(outcome)

    return Run(holder(clock()), clock, halt, report, monotonic)


def holder(now: datetime) -> Holder:
    """Return the identity of a new run, for its locks and its records.

    The id begins with the start of the run, so that ids sort, and ends with a random part.
    """
    run = f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    try:
        who = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that no user has
        who = f"uid-{os.getuid()}"
    return Holder(run=run, who=who, where=socket.gethostname(), since=now)
