"""Send requests within the limits of a server: when its budget allows, and so many at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Semaphore

import httpx

from reconciler.errors import PostponedError
from reconciler.transport.budget import WINDOW_SECONDS, Budget, Ticket
from reconciler.transport.limits import MAX_PATIENCE, READS, Rules
from reconciler.transport.replies import read_body, request_text
from reconciler.transport.watch import RunClock

MAX_REFUSAL_BYTES = 1024 * 1024
"""Largest body of a refusal, in bytes; its text may name the limit."""

AT_ONCE = "at_once"
"""The extension of a request that is sent now and once, or not at all."""

_REFUSALS = (403, 429)


class InFlight:
    """How many requests are in flight: more while they succeed, half after a refusal.

    Until the first refusal each success adds one, so that a few round trips show what a server can
    do; after it, as many successes as are in flight add one.
    """

    def __init__(self, first: int, most: int) -> None:
        """Allow `first` requests at once, and up to `most` later."""
        self.allowed = float(first)
        self._most = most
        self._refused = False
        self._count = 0
        self._change = Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait until one more request may be in flight, during a `with` block."""
        with self._change:
            self._change.wait_for(lambda: self._count < int(self.allowed))
            self._count += 1
        try:
            yield
        finally:
            with self._change:
                self._count -= 1
                self._change.notify()

    def grow(self) -> None:
        """Learn from a request that succeeded."""
        with self._change:
            step = 1.0 / self.allowed if self._refused else 1.0
            before = int(self.allowed)
            self.allowed = min(self.allowed + step, float(self._most))
            self._change.notify(int(self.allowed) - before)

    def shrink(self) -> None:
        """Learn from a refusal."""
        with self._change:
            self._refused = True
            self.allowed = max(self.allowed / 2, 1.0)


class BoundedTransport(httpx.BaseTransport):
    """Has at most so many reads in flight, however many threads read; for servers without rules.

    A change is sent immediately: the observation that it is based on would be stale.
    """

    def __init__(self, inner: httpx.BaseTransport, most: int) -> None:
        """Send through `inner`."""
        self._inner = inner
        self._free = Semaphore(most)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a read when fewer are in flight, and anything else now."""
        if request.method not in READS:
            return self._inner.handle_request(request)
        with self._free:
            return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the transport underneath."""
        self._inner.close()


class LimitedTransport(httpx.BaseTransport):
    """Paces requests and, if a limit refuses one, waits and sends it again.

    After MAX_PATIENCE the refusal is returned to the caller. A request with AT_ONCE, such as a
    DELETE, is neither delayed nor sent again: the observation that it is based on would be stale.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        rules: Rules,
        watch: RunClock,
        *,
        span: float = WINDOW_SECONDS,
    ) -> None:
        """Send through `inner` by the rules of its server, which counts in periods of `span`."""
        self.budget = Budget(watch, rules.allowed, span=span)
        self._inner = inner
        self._rules = rules
        self._watch = watch
        self._in_flight = InFlight(*rules.in_flight)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request when the budget allows it, and again while limits refuse it.

        Raises: PostponedError, for a request with AT_ONCE that was not sent or was refused.
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
            raise PostponedError(f"{request_text(request)}: not sent, the rate limit is reached")
        response, refused = self._attempt(request, ticket)
        if refused:
            response.close()
            raise PostponedError(
                f"{request_text(request)}: {response.status_code}, refused by a rate limit"
            )
        return response

    def _attempt(self, request: httpx.Request, ticket: Ticket) -> tuple[httpx.Response, bool]:
        try:
            with self._in_flight.slot():
                response = self._inner.handle_request(request)
                # Only the text distinguishes a limit from a missing right.
                if response.status_code in _REFUSALS:
                    response.request = request
                    response = read_body(response, MAX_REFUSAL_BYTES)
        # Without a response, too: the server may have counted the request.
        finally:
            self.budget.settle(ticket)
        refusal = self._rules.refusal(response)
        if refusal is None:
            self._in_flight.grow()
            self.budget.accepted(response)
        # Those that were in flight together are refused together, and count once.
        elif self.budget.refused(ticket, refusal):
            self._in_flight.shrink()
        return response, refusal is not None
