"""The end of a response in time, however slowly its bytes arrive."""

from reconciler.errors import StoppedError
from reconciler.transport.bounds import ANSWER_SECONDS, GLANCE_SECONDS, LAST_SECONDS
from reconciler.transport.watch import RunClock


class ResponseDeadline:
    """Ends one response after ANSWER_SECONDS, or after LAST_SECONDS if the run is to stop."""

    def __init__(self, watch: RunClock) -> None:
        """Start the time of a response now."""
        self.monotonic = watch.monotonic
        self._watch = watch
        self.start()

    def start(self) -> None:
        """Start the time of the next response, when its request is sent."""
        self._checked = self.monotonic()
        self._end = self._checked + ANSWER_SECONDS

    def remaining(self, silent: float | None = None) -> float:
        """Return the seconds until the response or `silent` ends; zero or less when it passed."""
        now = self.monotonic()
        if now - self._checked >= GLANCE_SECONDS:
            self._checked = now
            try:
                self._watch.check()
            except StoppedError:
                # Not raised here, since the response to a write tells whether it happened. The
                # next try of a read checks again, and raises.
                self._end = min(self._end, now + LAST_SECONDS)
        return (self._end if silent is None else min(silent, self._end)) - now
