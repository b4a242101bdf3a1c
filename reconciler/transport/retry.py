"""Reads are tried again: after no answer, a server's failure, or a request to slow down."""

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
"""How often a read is sent before it is given up."""

SHORTEST_PAUSE = 0.5
"""The first pause is chosen up to here, in seconds; each further one up to twice as long."""

LONGEST_PAUSE = 20.0
"""Longest pause that we choose ourselves, in seconds."""

LONGEST_ASKED = 120.0
"""Longest pause that a server may ask for with Retry-After, in seconds."""

TEMPORARY = frozenset({429, *range(500, 600)})
"""Statuses that may be gone at the next try."""

_REASON = "trying again what the server did not answer"
_own_pause = wait_random_exponential(multiplier=SHORTEST_PAUSE, max=LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a read is sent, and which statuses are sent again."""

    tries: int = TRIES
    statuses: frozenset[int] = TEMPORARY

    def run(self, attempt: Callable[[], httpx.Response], watch: RunClock) -> httpx.Response:
        """Try until there is an answer worth having; return, or raise, what came last."""
        retrying = Retrying(
            stop=stop_after_attempt(self.tries),
            wait=_pause,
            retry=retry_if_exception(is_transient) | retry_if_result(self.is_temporary),
            sleep=partial(watch.wait, _REASON),
            reraise=True,
        )
        try:
            return retrying(attempt)
        except RetryError as error:
            response: httpx.Response = error.last_attempt.result()
            return response

    def is_temporary(self, response: httpx.Response) -> bool:
        """Whether an answer is none to rely on, yet may be better the next time."""
        return response.status_code in self.statuses


def _pause(state: RetryCallState) -> float:
    """Choose how long to wait: what the server asks for, within a bound, and never less than us."""
    asked = None
    if state.outcome and not state.outcome.failed:
        asked = retry_after(state.outcome.result())
    return max(_own_pause(state), min(asked or 0.0, LONGEST_ASKED))
