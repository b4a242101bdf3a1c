"""Call functions in parallel on a bounded number of threads, each with its own connection."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Condition
from typing import TypeVar

import httpx

Key = TypeVar("Key")
Value = TypeVar("Value")

WORKERS = 10
"""Parallel reads from one server, if the caller does not say; PARALLEL_READS has the measures."""

MOST_THREADS = 64
"""Threads of one server: as many as requests are in flight at most (`limits.GHCR`)."""


class Workers:
    """Threads for short calls, such as one request, that stay between the calls until `close`.

    To start a thread takes as long as to parse a document, and small repositories have few.
    """

    def __init__(self, most: int = MOST_THREADS) -> None:
        """Start at most so many threads, each when it is first needed."""
        self._threads = ThreadPoolExecutor(most)

    def gather(
        self, function: Callable[[Key], Value], keys: Iterable[Key], most: int = WORKERS
    ) -> dict[Key, Value]:
        """Call a function for each key, once, `most` at once; return results in the keys' order.

        An error of a call is raised after the calls that have begun have ended; no other begins.
        """
        wanted = list(dict.fromkeys(keys))
        pending = deque(wanted)
        results: dict[Key, Value] = {}

        def work() -> None:
            # One task for each thread, not for each call: a future costs as much as parsing a
            # document.
            try:
                while True:
                    try:
                        key = pending.popleft()
                    except IndexError:
                        return
                    results[key] = function(key)
            except BaseException:
                pending.clear()
                raise

        helping = [self._threads.submit(work) for _ in range(min(most, len(wanted)) - 1)]
        # This thread works, too: so the calls end although all other threads are busy for others.
        try:
            work()
        finally:
            pending.clear()
            begun = [task for task in helping if not task.cancel()]
            wait(begun)
        for task in begun:
            task.result()
        return {key: results[key] for key in wanted}

    def close(self) -> None:
        """End the threads, after the calls that have begun."""
        self._threads.shutdown(cancel_futures=True)


def call_each(
    function: Callable[[Key], Value], items: Iterable[Key], workers: int, stop: Callable[[], None]
) -> list[Value]:
    """Call a function for each item, several at once; return the results in the items' order.

    A call may take minutes and read in parallel itself. The error of the first item that failed is
    raised. Then, and when the caller is interrupted, `stop` is called: it must end the calls that
    have begun, since all of them are waited for. The others never begin.
    """
    wanted = list(items)
    # A single call needs no thread.
    if len(wanted) <= 1:
        return [function(item) for item in wanted]
    with ThreadPoolExecutor(min(workers, len(wanted))) as pool:
        futures = [pool.submit(function, item) for item in wanted]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class Room:
    """Bounds how much several threads have in memory at once.

    What exceeds the bound by itself waits until nothing else is there, and is there alone.
    """

    def __init__(self, most: int) -> None:
        """Start empty. Units: `most` in whatever `admit` counts."""
        self._most = most
        self._used = 0
        self._changed = Condition()

    @contextmanager
    def entered(self) -> Iterator[Callable[[int], None]]:
        """Yield a function that waits until there is room for so many; all is free after.

        It is called once: two who both waited for more would wait for each other.
        """
        taken = 0

        def admit(count: int) -> None:
            nonlocal taken
            with self._changed:
                self._changed.wait_for(
                    lambda: self._used in (0, taken) or self._used + count <= self._most
                )
                self._used += count
                taken += count

        try:
            yield admit
        finally:
            with self._changed:
                self._used -= taken
                self._changed.notify_all()


class ConnectionPool(httpx.BaseTransport):
    """Many small pools of connections (lanes) instead of one large one.

    Before and after each request httpcore checks every connection of its pool, with a system call
    for each idle one. With twenty threads on one pool that took a fifth of the processor time of a
    plan without cache. Sequential requests use a single lane.
    """

    def __init__(self, connect: Callable[[], httpx.BaseTransport]) -> None:
        """Create lanes with `connect` when they are needed."""
        self._connect = connect
        self._lanes: list[httpx.BaseTransport] = []
        self._free: deque[httpx.BaseTransport] = deque()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request through a free lane, which is in use until the response is closed.

        So no request waits for a connection that is busy with a slow response.
        """
        try:
            # A deque is thread-safe at both ends.
            lane = self._free.popleft()
        except IndexError:
            lane = self._connect()
            self._lanes.append(lane)
        try:
            response = lane.handle_request(request)
        # An interrupt by the user, too: a lane that is not returned is lost.
        except BaseException:
            self._free.append(lane)
            raise
        # A response that was read whole is closed already, and `close` is not called again.
        if response.is_closed:
            self._free.append(lane)
        else:
            response.stream = _PooledBody(response.stream, lambda: self._free.append(lane))
        return response

    def close(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            lane.close()


class _PooledBody(httpx.SyncByteStream):
    """The body of a response, which frees its lane when it is closed."""

    def __init__(
        self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, free: Callable[[], None]
    ) -> None:
        if not isinstance(stream, httpx.SyncByteStream):
            raise TypeError("the responses of a lane are synchronous")
        self._stream = stream
        self._free = free
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            # A second call must not free the lane twice: two requests would use it.
            if not self._closed:
                self._closed = True
                self._free()
