"""How fast requests go, in time that passes only by waiting."""

from collections import deque
from dataclasses import dataclass, field
from email.utils import format_datetime

import httpx
import pytest

from reconciler.errors import ExhaustedError, PostponedError, ProtocolError
from reconciler.transport.limits import GHCR, GITHUB, Reason, Rules
from reconciler.transport.pacing import AT_ONCE, LimitedTransport
from tests.support.time import VirtualTime

URL = "https://api.github.example/version"


@dataclass
class Server:
    """Counts points in a sliding window of a minute, and refuses what is too much.

    Units: `latency` seconds an answer takes; `says_how_long` whether refusals name the wait.
    """

    time: VirtualTime
    allowed: int = 900
    span: float = 60.0
    latency: float = 0.1
    says_how_long: bool = True
    hourly: int = 100_000
    refused: int = 0
    served: list[float] = field(default_factory=list)
    spent: deque[tuple[float, int]] = field(default_factory=deque)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, at its own moment between sending and receiving."""
        self.time.pass_by(self.latency / 2)
        response = self._answer(5 if request.method == "DELETE" else 1)
        self.time.pass_by(self.latency / 2)
        return response

    def _answer(self, points: int) -> httpx.Response:
        now = self.time.seconds
        while self.spent and self.spent[0][0] + self.span <= now:
            self.spent.popleft()
        headers = self._headers()
        if headers["x-ratelimit-remaining"] == "0":
            return self._refuse("API rate limit exceeded", headers)
        if sum(cost for _, cost in self.spent) + points > self.allowed:
            if self.says_how_long:
                headers["retry-after"] = str(int(self.spent[0][0] + self.span - now) + 1)
            return self._refuse("You have exceeded a secondary rate limit.", headers)
        self.spent.append((now, points))
        self.served.append(now)
        return httpx.Response(204, headers=self._headers())

    def _refuse(self, message: str, headers: dict[str, str]) -> httpx.Response:
        self.refused += 1
        return httpx.Response(403, json={"message": message}, headers=headers)

    def _headers(self) -> dict[str, str]:
        hour = int(self.time.seconds // 3600)
        used = sum(at >= hour * 3600 for at in self.served)
        reset = self.time.now.timestamp() - self.time.seconds + (hour + 1) * 3600
        return {
            "date": format_datetime(self.time.now, usegmt=True),
            "x-ratelimit-limit": str(self.hourly),
            "x-ratelimit-remaining": str(self.hourly - used),
            "x-ratelimit-reset": str(int(reset)),
        }


@pytest.fixture
def time() -> VirtualTime:
    """Begin at noon."""
    return VirtualTime()


def limited(server: Server, rules: Rules = GITHUB) -> LimitedTransport:
    """Put the limits of a client in front of a server."""
    return LimitedTransport(httpx.MockTransport(server), rules, server.time.watch())


def delete(transport: LimitedTransport, count: int) -> list[int]:
    """Delete many versions, one component each, and return the statuses."""
    statuses = []
    for _ in range(count):
        transport.budget.reserve([5])
        response = transport.handle_request(httpx.Request("DELETE", URL))
        statuses.append(response.status_code)
    return statuses


def test_deletions_go_as_fast_as_published_and_are_never_refused(time: VirtualTime) -> None:
    server = Server(time)

    statuses = delete(limited(server), 600)

    assert statuses == [204] * 600
    assert server.refused == 0
    assert 600 / (time.seconds / 60) >= 0.97 * 180


def test_deletions_are_spread_over_the_minute(time: VirtualTime) -> None:
    server = Server(time)

    delete(limited(server), 180)

    assert max(sum(at <= t < at + 10 for t in server.served) for at in server.served) <= 34


def test_reads_go_at_full_speed_until_the_minute_is_used_up(time: VirtualTime) -> None:
    server = Server(time, latency=0.01)
    transport = limited(server)

    for _ in range(1000):
        transport.handle_request(httpx.Request("GET", URL))

    assert server.refused == 0
    assert server.served[899] < 10
    assert server.served[900] >= server.served[0] + 60


@pytest.mark.parametrize("allowed", [600, 300, 75])
@pytest.mark.parametrize(("refusals", "share"), [("telling", 0.95), ("silent", 0.85)])
def test_a_stricter_server_is_learned_and_the_work_is_finished(
    time: VirtualTime, allowed: int, refusals: str, share: float
) -> None:
    server = Server(time, allowed=allowed, says_how_long=refusals == "telling")
    transport = limited(server)
    delete(transport, 600)
    learned_at, refused = time.seconds, server.refused

    statuses = delete(transport, 600)

    pace = 600 / ((time.seconds - learned_at) / 60)
    assert statuses == [204] * 600
    assert pace >= share * allowed / 5
    assert server.refused - refused <= 3


def test_a_limit_counted_in_shorter_spans_does_not_bring_deletions_to_a_crawl(
    time: VirtualTime,
) -> None:
    server = Server(time, allowed=100, span=10.0)
    transport = limited(server)
    delete(transport, 600)
    learned_at = time.seconds

    delete(transport, 600)

    assert 600 / ((time.seconds - learned_at) / 60) >= 0.6 * 120


def test_when_the_hour_is_used_up_nothing_is_sent_before_the_reset(time: VirtualTime) -> None:
    server = Server(time, hourly=1000)

    statuses = delete(limited(server), 1001)

    assert statuses == [204] * 1001
    assert server.refused == 0
    assert 3600 <= server.served[1000] <= 3602
    assert [wait.reason for wait in time.waits] == [Reason.PRIMARY]


def test_a_wait_tells_its_reason_and_its_end(time: VirtualTime) -> None:
    answers = iter([httpx.Response(429, headers={"retry-after": "30"}), httpx.Response(204)])
    transport = LimitedTransport(httpx.MockTransport(lambda _: next(answers)), GITHUB, time.watch())

    delete(transport, 1)

    assert [(w.reason, w.seconds, (w.until - time.now).total_seconds()) for w in time.waits] == [
        ("secondary rate limit", 30.0, 0.0)
    ]


def test_a_silent_refusal_waits_a_minute_then_longer_each_time(time: VirtualTime) -> None:
    sent: list[float] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(time.seconds)
        return httpx.Response(429)

    transport = LimitedTransport(httpx.MockTransport(refuse), GITHUB, time.watch())

    response = transport.handle_request(httpx.Request("GET", URL))

    assert response.status_code == 429
    assert sent[:6] == [0, 60, 180, 420, 900, 1800]
    assert sent[-1] <= 7200


def test_a_reset_that_stays_in_the_past_does_not_make_requests_spin(time: VirtualTime) -> None:
    headers = {"x-ratelimit-limit": "1", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}
    sent: list[float] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(time.seconds)
        dated = {**headers, "date": format_datetime(time.now, usegmt=True)}
        return httpx.Response(403, headers=dated)

    transport = LimitedTransport(httpx.MockTransport(refuse), GITHUB, time.watch())

    transport.handle_request(httpx.Request("GET", URL))

    assert len(sent) < 30


def test_a_permission_403_is_handed_over_at_once(time: VirtualTime) -> None:
    forbidden = httpx.Response(403, json={"message": "Resource not accessible by integration"})
    transport = LimitedTransport(httpx.MockTransport(lambda _: forbidden), GITHUB, time.watch())

    response = transport.handle_request(httpx.Request("DELETE", URL))

    assert response.status_code == 403
    assert response.json() == {"message": "Resource not accessible by integration"}
    assert time.seconds == 0


def test_a_refusal_is_read_for_its_words_within_a_bound(time: VirtualTime) -> None:
    endless = httpx.MockTransport(lambda _: httpx.Response(403, content=b"x" * 2_000_000))
    transport = LimitedTransport(endless, GITHUB, time.watch())

    with pytest.raises(ProtocolError, match="more than 1048576 bytes"):
        transport.handle_request(httpx.Request("GET", URL))


def test_requests_in_flight_together_are_refused_once(time: VirtualTime) -> None:
    budget = limited(Server(time)).budget
    tickets = [budget.admit(5) for _ in range(10)]
    refusal = GITHUB.refusal(httpx.Response(429))
    assert refusal

    for ticket in tickets:
        budget.settle(ticket)
        budget.refused(ticket, refusal)

    assert budget.per_minute == pytest.approx(630)
    assert budget.delay(5) == pytest.approx(60)


def test_a_failed_request_gives_its_points_back_only_with_time(time: VirtualTime) -> None:
    def drop(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("dropped")

    transport = LimitedTransport(httpx.MockTransport(drop), GITHUB, time.watch())

    for _ in range(180):
        with pytest.raises(httpx.ReadError):
            transport.handle_request(httpx.Request("DELETE", URL))

    assert transport.budget.delay(5) == pytest.approx(60)


def test_the_rate_that_ghcr_tells_is_kept_to(time: VirtualTime) -> None:
    spent: deque[float] = deque()
    refused = 0

    def registry(request: httpx.Request) -> httpx.Response:
        nonlocal refused
        while spent and spent[0] + 60 <= time.seconds:
            spent.popleft()
        if len(spent) >= 2000:
            refused += 1
            wait = spent[0] + 60 - time.seconds
            text = f"toomanyrequests: retry-after: {wait * 1e6:.3f}\u00b5s, allowed: 2000/minute"
            return httpx.Response(429, text=text)
        time.pass_by(0.005)
        spent.append(time.seconds)
        return httpx.Response(200)

    transport = LimitedTransport(httpx.MockTransport(registry), GHCR, time.watch())

    for _ in range(10_000):
        assert transport.handle_request(httpx.Request("GET", URL)).status_code == 200

    assert refused == 1
    assert 10_000 / (time.seconds / 60) >= 0.9 * 2000


def test_what_is_left_of_the_hour_can_be_read(time: VirtualTime) -> None:
    transport = limited(Server(time, hourly=1000))

    delete(transport, 3)

    assert transport.budget.quota
    assert transport.budget.quota.remaining == 997


def at_once(method: str = "DELETE") -> httpx.Request:
    """Build a request that goes at once or not at all."""
    return httpx.Request(method, URL, extensions={AT_ONCE: True})


def test_what_is_to_go_at_once_is_never_held_back(time: VirtualTime) -> None:
    server = Server(time, latency=0.0)
    transport = limited(server)
    for _ in range(180):
        transport.handle_request(at_once())

    with pytest.raises(PostponedError, match="not sent, the rate limit is reached"):
        transport.handle_request(at_once())

    assert len(server.served) == 180
    assert time.seconds == 0
    transport.budget.reserve([5])
    assert transport.handle_request(at_once()).status_code == 204


def test_what_a_limit_refuses_is_not_sent_again_and_the_budget_learns_the_wait(
    time: VirtualTime,
) -> None:
    server = Server(time, allowed=0, latency=0.0)
    server.spent.append((0.0, 1))
    transport = limited(server)

    with pytest.raises(PostponedError, match="403, refused by a rate limit"):
        transport.handle_request(at_once())

    assert (server.refused, time.seconds) == (1, 0)
    assert transport.budget.delay(5) == pytest.approx(61)


def test_a_wait_that_takes_longer_than_two_hours_is_not_begun(time: VirtualTime) -> None:
    answer = httpx.Response(429, headers={"retry-after": "10000"})
    transport = LimitedTransport(httpx.MockTransport(lambda _: answer), GITHUB, time.watch())
    with pytest.raises(PostponedError):
        transport.handle_request(at_once())

    with pytest.raises(PostponedError, match="secondary rate limit"):
        transport.budget.reserve([5])

    assert time.seconds == 0


def ask_twice(transport: LimitedTransport) -> None:
    """Ask, and once more: the first answer may be handed over, whatever it says of later ones."""
    for _ in range(2):
        transport.handle_request(httpx.Request("GET", URL))
    transport.budget.admit(1)


FAR = "9999999999"
"""The year 2286, in seconds since 1970."""


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(429, headers={"retry-after": "9" * 400}),
        httpx.Response(429, headers={"retry-after": "7300"}),
        httpx.Response(
            403,
            headers={
                "x-ratelimit-limit": "5000",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": FAR,
                "date": "Mon, 02 Nov 2026 12:00:00 GMT",
            },
        ),
        httpx.Response(
            200,
            headers={
                "x-ratelimit-limit": "5000",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": FAR,
                "date": "Mon, 02 Nov 2026 12:00:00 GMT",
            },
        ),
    ],
)
def test_a_limit_that_is_renewed_in_the_far_future_is_not_waited_for(
    answer: httpx.Response, time: VirtualTime
) -> None:
    transport = LimitedTransport(httpx.MockTransport(lambda _: answer), GITHUB, time.watch())

    with pytest.raises(
        ExhaustedError, match="asks to wait .* hours, but the longest wait is 2 hours"
    ):
        ask_twice(transport)

    assert time.seconds < 60
