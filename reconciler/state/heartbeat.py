"""A thread that does the same thing again and again while a block runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import structlog

from reconciler.errors import LockedError, StateError

_log = structlog.get_logger()


@contextmanager
def beating(beat: Callable[[], None], seconds: float) -> Iterator[None]:
    """Beat every so many seconds until the block ends.

    A beat that fails is only told of: whoever relies on it looks before its next step.
    """
    over = Event()
    thread = Thread(target=_beat, args=(beat, seconds, over), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _beat(beat: Callable[[], None], seconds: float, over: Event) -> None:
    while not over.wait(seconds):
        try:
            beat()
        except LockedError:
            return
        except StateError as error:
            _log.warning("lease_not_renewed", error=str(error))
