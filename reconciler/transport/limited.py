"""An httpx transport that keeps to a server's limits, whoever uses it."""

from threading import BoundedSemaphore

import httpx

from reconciler.transport.budget import WINDOW_SECONDS, Budget
from reconciler.transport.limits import Rules
from reconciler.transport.replies import loaded
from reconciler.transport.watch import Watch

MAX_IN_FLIGHT = 100
"""Requests on the way at once. Source: GitHub, "Rate limits for the REST API"."""

MAX_PATIENCE = 2 * 3600.0
"""Longest that one request is held back in all, in seconds: two of GitHub's hours."""

MAX_REFUSAL_BYTES = 1024 * 1024
"""Largest refusal read for its words, in bytes."""

_REFUSALS = (403, 429)


class LimitedTransport(httpx.BaseTransport):
    """Paces requests and, where a limit refuses one, waits and sends it again.

    A request refused by a limit had no effect, so this is no blind repetition, not even of a
    DELETE. When patience is at its end the refusal is handed to the caller as it came.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        rules: Rules,
        watch: Watch,
        *,
        span: float = WINDOW_SECONDS,
    ) -> None:
        """Send through `inner` by the rules of its server, which counts in spans of seconds."""
        self.budget = Budget(watch, rules.allowed, span=span)
        self._inner = inner
        self._rules = rules
        self._watch = watch
        self._in_flight = BoundedSemaphore(MAX_IN_FLIGHT)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request as soon as it may go, again and again while limits refuse it."""
        given_up_at = self._watch.monotonic() + MAX_PATIENCE
        while True:
            response, refused = self._attempt(request)
            if not refused or self._watch.monotonic() + self.budget.delay(0) > given_up_at:
                return response
            response.close()

    def close(self) -> None:
        """Close the transport underneath."""
        self._inner.close()

    def _attempt(self, request: httpx.Request) -> tuple[httpx.Response, bool]:
        ticket = self.budget.admit(self._rules.points(request.method))
        try:
            with self._in_flight:
                response = self._inner.handle_request(request)
                if response.status_code in _REFUSALS:
                    response.request = request
                    response = loaded(response, MAX_REFUSAL_BYTES)
        finally:
            self.budget.settle(ticket)
        refusal = self._rules.refusal(response)
        if refusal is None:
            self.budget.accepted(response)
        else:
            self.budget.refused(ticket, refusal)
        return response, refusal is not None
