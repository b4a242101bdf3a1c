"""A transport between a client and a server that measures how old a look is at each DELETE."""

from dataclasses import dataclass, field

import httpx

from reconciler.model.durations import FRESH_SECONDS
from tests.support.time import VirtualTime


class WatchedTime(VirtualTime):
    """Time in which somebody may have waited."""

    waited = False

    def pass_by(self, seconds: float) -> None:
        """Let time pass by waiting."""
        self.waited = self.waited or seconds > 0
        super().pass_by(seconds)


@dataclass
class Pauses(httpx.BaseTransport):
    """Passes requests on, each taking `latency` seconds of a time that else passes by waiting.

    It fails a DELETE that a wait lies before, since the last look at the newest versions, or
    whose look is older than it may be. Shape: `ages` holds the age of the look at each DELETE.
    """

    inner: httpx.BaseTransport
    time: WatchedTime
    latency: float = 0.0
    looks_at: str = "&page=1"
    """How the address of a look at what is new ends."""

    ages: list[float] = field(default_factory=list)
    sent_at: list[float] = field(default_factory=list)
    _looked_at: float = float("-inf")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass one request on."""
        if str(request.url).endswith(self.looks_at):
            self._looked_at, self.time.waited = self.time.seconds, False
        if request.method == "DELETE":
            age = self.time.seconds - self._looked_at
            assert not self.time.waited, "a wait lies between the look and the DELETE"
            assert age <= FRESH_SECONDS, f"the look is {age:.1f} s old"
            self.ages.append(age)
            self.sent_at.append(self.time.seconds)
        self.time.seconds += self.latency
        return self.inner.handle_request(request)

    def close(self) -> None:
        """Close the transport behind."""
        self.inner.close()
