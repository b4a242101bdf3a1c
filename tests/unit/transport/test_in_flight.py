"""How many requests are in flight: more while they succeed, fewer after a refusal."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reconciler.connect import open_registry
from reconciler.providers.documents import PARALLEL_READS
from reconciler.transport.direct import DirectTransport
from reconciler.transport.limits import GHCR, Rules, registry_refusal
from reconciler.transport.pacing import InFlight, LimitedTransport
from reconciler.transport.parallel import Workers
from tests.support.time import VirtualTime

REFUSED = httpx.Response(429, headers={"retry-after": "1"}, content=b"")


def send(transport: LimitedTransport) -> int:
    """Send one request, and return the status of its answer."""
    return transport.handle_request(httpx.Request("GET", "https://ghcr.example/v2/")).status_code


def test_successes_allow_more_up_to_the_most() -> None:
    gate = InFlight(20, 64)

    allowed = []
    for _ in range(60):
        gate.grow()
        allowed.append(int(gate.allowed))

    assert allowed[:3] == [21, 22, 23]
    assert max(allowed) == 64


def test_a_refusal_halves_what_is_allowed_and_it_grows_slowly_after() -> None:
    gate = InFlight(20, 64)

    gate.shrink()
    after = int(gate.allowed)
    for _ in range(10):
        gate.grow()

    assert after == 10
    assert int(gate.allowed) == 10
    gate.grow()
    assert int(gate.allowed) == 11


def test_at_least_one_request_may_always_be_sent() -> None:
    gate = InFlight(2, 4)
    for _ in range(10):
        gate.shrink()

    with gate.slot():
        assert gate.allowed == 1


def test_requests_refused_together_count_once() -> None:
    answers = [httpx.Response(200), *[REFUSED] * 1, *[httpx.Response(200)] * 5]
    time = VirtualTime()
    rules = Rules(10_000, lambda _: 1, registry_refusal, in_flight=(20, 64))
    transport = LimitedTransport(httpx.MockTransport(lambda _: answers.pop(0)), rules, time.watch())

    assert [send(transport) for _ in range(2)] == [200, 200]
    assert 10 <= transport._in_flight.allowed < 11


def test_no_more_are_in_flight_than_allowed() -> None:
    lock = threading.Lock()
    now, most = 0, 0
    full = threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
            if now == 3:
                full.set()
        full.wait(5)
        with lock:
            now -= 1
        return httpx.Response(200)

    rules = Rules(10_000, lambda _: 1, registry_refusal, in_flight=(3, 3))
    transport = LimitedTransport(httpx.MockTransport(answer), rules, VirtualTime().watch())
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: send(transport), range(40)))

    assert statuses == [200] * 40
    assert most == 3


def test_ghcr_begins_with_what_other_clients_read_at_once() -> None:
    assert GHCR.in_flight == (20, 64)


def test_many_repositories_of_a_plain_registry_share_what_is_in_flight_and_no_change_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full, crowded, change = threading.Event(), threading.Event(), threading.Event()
    lock, here = threading.Lock(), 0
    waited: list[bool] = []

    def answer(_: DirectTransport, request: httpx.Request) -> httpx.Response:
        nonlocal here
        if request.method == "DELETE":
            change.set()
            return httpx.Response(202)
        with lock:
            here += 1
            if here >= PARALLEL_READS:
                full.set()
            if here > PARALLEL_READS:
                crowded.set()
        # Each is in flight until the change was sent.
        waited.append(change.wait(timeout=10))
        with lock:
            here -= 1
        return httpx.Response(200)

    monkeypatch.setattr(DirectTransport, "handle_request", answer)
    client = open_registry("registry.example", VirtualTime().watch(), plain_http=False)
    paths = [f"/v2/app-{number}/tags/list" for number in range(3 * PARALLEL_READS)]

    with ThreadPoolExecutor(1) as reading:
        done = reading.submit(Workers().gather, client.get, paths, most=len(paths))
        assert full.wait(timeout=10)
        assert not crowded.wait(timeout=0.3)
        deleted = client.write_at_once("DELETE", "/v2/app-1/manifests/sha256:00")
        responses = done.result()
    client.close()

    assert deleted.status_code == 202
    assert {response.status_code for response in responses.values()} == {200}
    assert all(waited)
    assert not crowded.is_set()
