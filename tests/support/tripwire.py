"""A way to stop time at a chosen request: it has taken effect, and its answer is not sent yet."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.world import RecordedCall

_GLANCE = 0.02
"""Seconds between two looks at whether a command has ended before the request came."""


class Living(Protocol):
    """A command that was started."""

    @property
    def lives(self) -> bool:
        """Whether it has not ended yet."""


@dataclass(frozen=True)
class Held:
    """One request to come: `reached` once it is there, and held up until `let_go`."""

    method: str
    nth: int
    _reached: Event = field(default_factory=Event)
    _let_go: Event = field(default_factory=Event)

    def reached_by(self, running: Living) -> bool:
        """Wait until the request is held up; False when the command ends without it."""
        while running.lives:
            if self._reached.wait(_GLANCE):
                return True
        return self._reached.is_set()

    def let_go(self) -> None:
        """Let the answer be sent."""
        self._let_go.set()

    def hold(self) -> None:
        """Hold up whoever serves the request."""
        self._reached.set()
        self._let_go.wait()


class _Record(deque[RecordedCall]):
    """The sandbox's record of calls, with a tripwire in it."""

    def __init__(self, seen: deque[RecordedCall], held: Held) -> None:
        """Go on with what was seen."""
        super().__init__(seen, seen.maxlen)
        self._held = held
        self._left = held.nth

    def append(self, seen: RecordedCall, /) -> None:
        """Remember a call that took effect; hold it up if its turn has come."""
        super().append(seen)
        self._left -= seen.method.startswith(self._held.method)
        if self._left == 0:
            self._left -= 1
            self._held.hold()


@contextmanager
def held_up(sandbox: Sandbox, nth: int, method: str = "") -> Iterator[Held]:
    """Hold up the nth request from now on, of one method or of any, until it is let go."""
    held = Held(method, nth)
    sandbox.world.requests = _Record(sandbox.world.requests, held)
    try:
        yield held
    finally:
        held.let_go()
