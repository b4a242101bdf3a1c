"""An httpx transport that keeps to a server's limits, whoever uses it."""

from threading import BoundedSemaphore

import httpx

from reconciler.errors import PostponedError
from reconciler.transport.budget import WINDOW_SECONDS, Budget, Ticket
from reconciler.transport.limits import MAX_PATIENCE, Rules
from reconciler.transport.replies import loaded
from reconciler.transport.urls import request_text
from reconciler.transport.watch import RunClock

MAX_IN_FLIGHT = 100
"""Requests on the way at once. Source: GitHub, "Rate limits for the REST API"."""

MAX_REFUSAL_BYTES = 1024 * 1024
"""Largest refusal read for its words, in bytes."""

_REFUSALS = (403, 429)


AT_ONCE = "at_once"
"""The extension of a request that is sent at once and only once, or not at all."""


class LimitedTransport(httpx.BaseTransport):
    """Paces requests and, where a limit refuses one, waits and sends it again.

    When patience is at its end the refusal is handed to the caller as it came. A request that
    is to go at once, such as a DELETE, is neither held back nor sent again: what it was decided
    upon would be older after the wait than when it was decided.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        rules: Rules,
        watch: RunClock,
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
        """Send a request as soon as it may go, again and again while limits refuse it.

        Raises: PostponedError, for a request that is to go at once and did not.
        """
        points = self._rules.points(request.method)
        if request.extensions.get(AT_ONCE):
            return self._at_once(request, points)
        given_up_at = self._watch.monotonic() + MAX_PATIENCE
        while True:
            response, refused = self._attempt(request, self.budget.admit(points))
            if not refused or self._watch.monotonic() + self.budget.delay(0) > given_up_at:
                return response
            response.close()

    def close(self) -> None:
        """Close the transport underneath."""
        self._inner.close()

    def _at_once(self, request: httpx.Request, points: int) -> httpx.Response:
        ticket = self.budget.take(points)
        if ticket is None:
            raise PostponedError(f"{request_text(request)}: not sent, the limit leaves no room now")
        response, refused = self._attempt(request, ticket)
        if refused:
            response.close()
            raise PostponedError(
                f"{request_text(request)}: {response.status_code}, refused by a limit"
            )
        return response

    def _attempt(self, request: httpx.Request, ticket: Ticket) -> tuple[httpx.Response, bool]:
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
