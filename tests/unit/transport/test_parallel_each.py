"""Long calls, several at once: results in order, one error, one stop, and room in memory."""

import threading
import time
from threading import Event, Lock

import pytest

from reconciler.transport.parallel import Room, call_each


def never() -> None:
    """Fail: nothing is to stop."""
    raise AssertionError("nothing was to stop")


def test_results_are_in_the_order_of_the_items_whoever_is_done_first() -> None:
    done: list[int] = []
    last = Event()

    def call(number: int) -> int:
        if number == 0:
            last.wait(timeout=10)
        done.append(number)
        if number == 3:
            last.set()
        return number * 10

    results = call_each(call, range(4), 4, never)

    assert results == [0, 10, 20, 30]
    assert done.index(0) > done.index(3)


def test_a_single_call_needs_no_thread() -> None:
    assert call_each(lambda _: threading.current_thread(), ["a"], 4, never) == [
        threading.current_thread()
    ]
    assert call_each(str, [], 4, never) == []


def test_the_first_error_in_order_is_raised_once_all_have_ended() -> None:
    stopped = Event()
    begun: list[int] = []

    def call(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError("number 1")
        if number > 1:
            stopped.wait(timeout=10)
            raise ValueError(f"number {number} was stopped")

    threads = threading.active_count()
    with pytest.raises(ValueError, match="number 1$"):
        call_each(call, range(100), 3, stopped.set)

    assert stopped.is_set()
    assert len(begun) <= 6
    assert threading.active_count() == threads


def test_no_more_is_in_memory_than_there_is_room_for() -> None:
    room, lock = Room(10), Lock()
    used, most = 0, 0

    def call(size: int) -> None:
        nonlocal used, most
        with room.entered() as admit:
            admit(size)
            with lock:
                used += size
                most = max(most, used)
            # Long enough for the others to come in, if they may.
            time.sleep(0.001)
            with lock:
                used -= size

    call_each(call, [4, 3, 5, 2] * 50, 8, never)

    assert most <= 10


def test_what_exceeds_the_room_is_there_alone() -> None:
    room, lock = Room(10), Lock()
    here: set[int] = set()
    beside: list[set[int]] = []

    def call(number: int) -> None:
        with room.entered() as admit:
            admit(50 if number == 3 else 2)
            with lock:
                here.add(number)
                if 3 in here:
                    beside.append(set(here))
            time.sleep(0.001)
            with lock:
                here.remove(number)

    call_each(call, range(20), 8, never)

    assert beside == [{3}]
