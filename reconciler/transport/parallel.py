"""Parallel calls on a bounded number of threads, each with a connection that no other uses."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import islice
from typing import TypeVar

import httpx

Key = TypeVar("Key")
Value = TypeVar("Value")

WORKERS = 10
"""Reads under way at once to one server."""

BATCH = 1000
"""Calls handed to the threads at once, so that a hundred thousand need no memory while queued."""


def gather(
    function: Callable[[Key], Value], keys: Iterable[Key], workers: int = WORKERS
) -> dict[Key, Value]:
    """Call a function for each key, once, in parallel; return the results in the keys' order.

    The first error ends it: what has not begun is not called any more, and the error is raised.
    """
    results: dict[Key, Value] = {}
    pool = ThreadPoolExecutor(workers)
    try:
        for batch in _batches(dict.fromkeys(keys)):
            futures = {key: pool.submit(function, key) for key in batch}
            done, _ = wait(futures.values(), return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            results |= {key: future.result() for key, future in futures.items()}
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _batches(keys: Iterable[Key]) -> Iterator[list[Key]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, BATCH)):
        yield batch


class ConnectionPool(httpx.BaseTransport):
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
        """Send a request through a free lane, which is taken until the answer is read or closed.

        So no request ever waits for a connection that somebody's slow answer keeps.
        """
        lane = self._take()
        try:
            response = lane.handle_request(request)
        except BaseException:
            self._free.append(lane)
            raise
        if response.is_closed:
            self._free.append(lane)
        else:
            response.stream = _Taken(response.stream, lambda: self._free.append(lane))
        return response

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


class _Taken(httpx.SyncByteStream):
    """The body of an answer whose lane is free once it is closed."""

    def __init__(
        self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, free: Callable[[], None]
    ) -> None:
        if not isinstance(stream, httpx.SyncByteStream):
            raise TypeError("the answers of a lane are synchronous")
        self._stream = stream
        self._free = free
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            # A second call must not let two requests have the lane.
            if not self._closed:
                self._closed = True
                self._free()
