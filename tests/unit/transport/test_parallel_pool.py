"""Many calls at once, on a bounded number of threads."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import pytest

from reconciler.transport.parallel import gather


def test_every_key_gets_its_own_result_in_the_order_of_the_keys() -> None:
    found = gather(lambda number: number * number, range(2500))

    assert list(found.items()) == [(number, number * number) for number in range(2500)]


def test_a_key_given_twice_is_asked_once() -> None:
    asked: list[str] = []

    gather(asked.append, ["a", "b", "a"], workers=1)

    assert asked == ["a", "b"]


def test_nothing_to_do_is_done() -> None:
    assert gather(str, []) == {}


def test_calls_run_side_by_side() -> None:
    meeting = Barrier(4, timeout=10)

    found = gather(lambda _: meeting.wait() >= 0, range(4), workers=4)

    assert all(found.values())


def test_no_more_calls_run_at_once_than_allowed() -> None:
    lock = Lock()
    running, most = 0, 0

    def call(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1

    gather(call, range(200), workers=3)

    assert most <= 3


def test_the_first_error_is_raised_and_what_has_not_begun_never_begins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noticed = Event()
    asked: list[int] = []

    class Watched(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            noticed.set()
            super().shutdown(wait=wait)

    def call(number: int) -> None:
        asked.append(number)
        if number == 0:
            raise ValueError("number 0")
        noticed.wait(timeout=10)

    monkeypatch.setattr("reconciler.transport.parallel.ThreadPoolExecutor", Watched)

    with pytest.raises(ValueError, match="number 0"):
        gather(call, range(900), workers=1)

    assert len(asked) <= 2
