"""An answer has an end in time, and so has a run that is to stop while one comes."""

import ssl
from collections.abc import Callable
from typing import Any

import httpcore
import httpx
import pytest

from reconciler.errors import StoppedError, UnreachableError
from reconciler.transport.bounds import ANSWER_SECONDS, LAST_SECONDS
from reconciler.transport.client import Client
from reconciler.transport.parallel import ConnectionPool
from reconciler.transport.proxied import TimedStream
from reconciler.transport.watch import RunClock
from tests.support.hostile_server import Clock, dripping_body, hostile_server
from tests.support.time import NOON, VirtualTime


class Drip(httpcore.NetworkStream):
    """A connection on which a byte comes every so many seconds."""

    def __init__(self, time: VirtualTime, pause: float) -> None:
        """Let a pause pass before each byte."""
        self._time = time
        self._pause = pause
        self._ahead = pause

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return a byte, or nothing in time."""
        waited = min(self._ahead, timeout if timeout is not None else self._ahead)
        self._time.pass_by(waited)
        assert self._time.seconds < 2_000, "the answer never ends"
        self._ahead -= waited
        if self._ahead > 0:
            raise httpcore.ReadTimeout("silence")
        self._ahead = self._pause
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take it."""

    def close(self) -> None:
        """Do nothing."""

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Stay as it is."""
        return self

    def get_extra_info(self, info: str) -> Any:
        """Tell nothing."""


def watch_of(time: VirtualTime, check: Callable[[], None] = lambda: None) -> RunClock:
    """Return a watch that asks `check` whether the run goes on."""
    return RunClock(lambda: NOON, lambda: time.seconds, lambda _: check())


def read_on(stream: TimedStream, timeout: float = 30.0) -> None:
    """Send something, and read until it fails."""
    stream.write(b"GET / HTTP/1.1\r\n\r\n", 30.0)
    while True:
        stream.read(1024, timeout)


@pytest.mark.parametrize("secured", [False, True])
@pytest.mark.parametrize("pause", [0.01, 0.9, 29.0])
def test_bytes_that_keep_coming_do_not_make_an_answer_last(pause: float, *, secured: bool) -> None:
    time = VirtualTime()
    stream: Any = TimedStream(Drip(time, pause), watch_of(time))
    if secured:
        stream = stream.start_tls(ssl.create_default_context())

    with pytest.raises(httpcore.ReadTimeout, match="takes too long"):
        read_on(stream)

    assert time.seconds == pytest.approx(ANSWER_SECONDS, abs=1)


def test_a_silence_ends_an_answer_before_its_time() -> None:
    time = VirtualTime()

    with pytest.raises(httpcore.ReadTimeout, match="silence"):
        read_on(TimedStream(Drip(time, 1_000), watch_of(time)))

    assert time.seconds == pytest.approx(30, abs=1)


def test_each_request_begins_the_time_of_its_own_answer() -> None:
    time = VirtualTime()
    stream = TimedStream(Drip(time, 20), watch_of(time))

    for _ in range(10):
        stream.write(b"GET / HTTP/1.1\r\n\r\n", 30.0)
        for _ in range(5):
            stream.read(1024, 30.0)

    assert time.seconds == pytest.approx(1_000)


@pytest.mark.parametrize("pause", [0.5, 29.0])
def test_an_answer_under_way_has_seconds_left_once_the_run_is_to_stop(pause: float) -> None:
    time = VirtualTime()

    def stop() -> None:
        if time.seconds >= 40:
            raise StoppedError("interrupted")

    with pytest.raises(httpcore.ReadTimeout):
        read_on(TimedStream(Drip(time, pause), watch_of(time, stop)))

    assert 40 + LAST_SECONDS <= time.seconds <= 42 + LAST_SECONDS


@pytest.mark.fault
def test_a_read_that_drips_ends_with_the_run_and_a_write_is_unknown() -> None:
    clock = Clock()
    looks: list[float] = []

    def sleep(_: float) -> None:
        looks.append(0)
        if len(looks) > 3:
            raise StoppedError("the time budget is used up")

    with hostile_server(dripping_body) as server:
        client = Client(f"http://{server.host}", RunClock(lambda: NOON, clock, sleep))
        with pytest.raises(StoppedError, match="the time budget is used up"):
            client.get("/v2/evil/web/tags/list")
        with pytest.raises(UnreachableError):
            client.write("DELETE", "/v2/evil/web/manifests/v1")
        client.close()

        assert server.attacked == 2


def test_a_request_never_waits_for_a_connection_that_a_slow_answer_keeps() -> None:
    made: list[httpx.MockTransport] = []

    def lane() -> httpx.MockTransport:
        made.append(httpx.MockTransport(lambda _: httpx.Response(200, stream=Slow())))
        return made[-1]

    lanes = ConnectionPool(lane)
    under_way = [lanes.handle_request(httpx.Request("GET", "http://127.0.0.1/")) for _ in range(3)]
    for response in under_way:
        response.close()
        response.close()
    again = [lanes.handle_request(httpx.Request("GET", "http://127.0.0.1/")) for _ in range(4)]

    assert len(made) == 4
    assert len(again) == 4


class Slow(httpx.SyncByteStream):
    """A body that nobody has read yet."""
