"""Every request under way has a lane to itself, and lanes are used again."""

from threading import Barrier

import httpx
import pytest

from reconciler.transport.parallel import ConnectionPool, Workers


class Lane(httpx.BaseTransport):
    """A transport that counts, and waits where a test wants it to."""

    def __init__(self, meeting: Barrier | None = None) -> None:
        """Answer at once or, with a meeting, when as many requests are under way."""
        self.requests = 0
        self.closed = False
        self._meeting = meeting

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or fail where the path says so."""
        self.requests += 1
        if self._meeting:
            self._meeting.wait(timeout=10)
        if request.url.path == "/broken":
            raise httpx.ConnectError("refused")
        return httpx.Response(200)

    def close(self) -> None:
        """Note it."""
        self.closed = True


class Made:
    """Makes lanes and keeps them for the test to look at."""

    def __init__(self, meeting: Barrier | None = None) -> None:
        """Begin with none."""
        self.lanes: list[Lane] = []
        self._meeting = meeting

    def __call__(self) -> Lane:
        """Make one more."""
        self.lanes.append(Lane(self._meeting))
        return self.lanes[-1]


def request(path: str = "/") -> httpx.Request:
    """Build any request."""
    return httpx.Request("GET", f"http://127.0.0.1{path}")


def test_one_request_after_the_other_takes_the_same_lane() -> None:
    made = Made()
    lanes = ConnectionPool(made)

    for _ in range(5):
        lanes.handle_request(request())

    assert [lane.requests for lane in made.lanes] == [5]


def test_requests_under_way_together_have_a_lane_each() -> None:
    made = Made(Barrier(4))
    lanes = ConnectionPool(made)

    Workers().gather(lambda _: lanes.handle_request(request()), range(8), most=4)

    assert [lane.requests for lane in made.lanes] == [2, 2, 2, 2]


def test_a_lane_whose_request_failed_is_used_again() -> None:
    made = Made()
    lanes = ConnectionPool(made)

    with pytest.raises(httpx.ConnectError):
        lanes.handle_request(request("/broken"))
    lanes.handle_request(request())

    assert [lane.requests for lane in made.lanes] == [2]


def test_closing_closes_every_lane() -> None:
    made = Made(Barrier(2))
    lanes = ConnectionPool(made)
    Workers().gather(lambda _: lanes.handle_request(request()), range(2), most=2)

    lanes.close()

    assert [lane.closed for lane in made.lanes] == [True, True]
