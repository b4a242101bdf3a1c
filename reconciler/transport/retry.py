"""Retry reads: after no response, a server error, or a request to slow down."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httpx
from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception,
    retry_if_result,
    stop_after_attempt,
    wait_random_exponential,
)

from reconciler.transport.limits import retry_after
from reconciler.transport.replies import is_transient
from reconciler.transport.watch import RunClock

TRIES = 5
"""How often a read is sent at most: with the pauses, an outage of a few seconds is bridged."""

SHORTEST_PAUSE = 0.5
"""Upper end of the first random pause, in seconds; it doubles with each further try."""

LONGEST_PAUSE = 20.0
"""Upper end of any random pause, in seconds."""

LONGEST_ASKED = 120.0
"""Longest Retry-After that is respected between two tries, in seconds."""

TEMPORARY = frozenset({429, *range(500, 600)})
"""Statuses after which a retry may succeed."""

_REASON = "retrying a request that the server did not answer"
_own_pause = wait_random_exponential(multiplier=SHORTEST_PAUSE, max=LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a read is sent, and which statuses are retried."""

    tries: int = TRIES
    statuses: frozenset[int] = TEMPORARY

    def run(self, attempt: Callable[[], httpx.Response], watch: RunClock) -> httpx.Response:
        """Try until a response is not temporary; return the last response, or raise."""
        # Nearly all first tries succeed: tenacity costs as much as the rest of a request.
        try:
            response = attempt()
        except httpx.TransportError as error:
            outcome: Exception | httpx.Response = error
        else:
            if not self.is_temporary(response):
                return response
            outcome = response
        outcomes = iter([outcome])

        def repeat() -> httpx.Response:
            # The first try is made already: tenacity is given its outcome, and decides.
            outcome = next(outcomes, None)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome or attempt()

        retrying = Retrying(
            stop=stop_after_attempt(self.tries),
            wait=_pause,
            retry=retry_if_exception(is_transient) | retry_if_result(self.is_temporary),
            sleep=partial(watch.wait, _REASON),
            reraise=True,
        )
        try:
            return retrying(repeat)
        # After the last try, tenacity raises the error of a try, but not its result.
        except RetryError as error:
            last: httpx.Response = error.last_attempt.result()
            return last

    def is_temporary(self, response: httpx.Response) -> bool:
        """Whether a retry may give another response."""
        return response.status_code in self.statuses


def _pause(state: RetryCallState) -> float:
    """Return how long to wait: Retry-After up to a bound, and at least the random pause."""
    asked = None
    if state.outcome and not state.outcome.failed:
        asked = retry_after(state.outcome.result())
    return max(_own_pause(state), min(asked or 0.0, LONGEST_ASKED))
