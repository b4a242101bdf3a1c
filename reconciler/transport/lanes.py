"""Connections for many threads: each request gets a lane that no other is using."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress

import httpx


class Lanes(httpx.BaseTransport):
    """Small pools of connections in place of one large one; a new one where none is free.

    Before and after each request httpcore looks at every connection of its pool, and asks the
    kernel about each idle one. With twenty threads on one pool that was a fifth of all the
    processor's time that a cold plan took. Whoever sends one request after the other uses one lane.
    """

    def __init__(self, connect: Callable[[], httpx.BaseTransport]) -> None:
        """Make a lane with `connect` when one is needed."""
        self._connect = connect
        self._lanes: list[httpx.BaseTransport] = []
        self._free: deque[httpx.BaseTransport] = deque()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through a free lane, the one that has been free for longest.

        Its last answer may still be read by another thread; the longest free least likely so.
        """
        lane = self._take()
        try:
            return lane.handle_request(request)
        finally:
            self._free.append(lane)

    def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.close()

    def _take(self) -> httpx.BaseTransport:
        # Both ends of a deque may be used by many threads at once.
        with suppress(IndexError):
            return self._free.popleft()
        lane = self._connect()
        self._lanes.append(lane)
        return lane
