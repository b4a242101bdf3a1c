"""Many calls at once, on a bounded number of threads."""

import threading
from threading import Barrier, Event, Lock, Thread, current_thread

import pytest

from reconciler.transport.parallel import Workers


def test_every_key_gets_its_own_result_in_the_order_of_the_keys() -> None:
    found = Workers().gather(lambda number: number * number, range(2500))

    assert list(found.items()) == [(number, number * number) for number in range(2500)]


def test_a_key_given_twice_is_asked_once() -> None:
    asked: list[str] = []

    Workers().gather(asked.append, ["a", "b", "a"], most=1)

    assert asked == ["a", "b"]


def test_nothing_to_do_is_done() -> None:
    assert Workers().gather(str, []) == {}


def test_calls_run_side_by_side() -> None:
    meeting = Barrier(4, timeout=10)

    found = Workers().gather(lambda _: meeting.wait() >= 0, range(4), most=4)

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

    Workers().gather(call, range(200), most=3)

    assert most <= 3


def test_an_error_is_raised_and_what_has_not_begun_never_begins() -> None:
    failed = Event()
    asked: list[int] = []

    def call(number: int) -> None:
        asked.append(number)
        if number == 0:
            failed.set()
            raise ValueError("number 0")
        assert failed.wait(timeout=10)

    workers = Workers()
    with pytest.raises(ValueError, match="number 0"):
        workers.gather(call, range(900), most=3)

    # Another thread may take one more before it learns of the error.
    assert len(asked) <= 2 * 3
    assert workers.gather(str, range(9)) == {number: str(number) for number in range(9)}


def test_an_error_of_another_thread_ends_the_calls_of_this_one() -> None:
    here = current_thread()
    asked: list[int] = []
    failed = Event()

    def call(number: int) -> None:
        if current_thread() is here:
            asked.append(number)
            assert failed.wait(timeout=10)
        else:
            failed.set()
            raise ValueError("elsewhere")

    with pytest.raises(ValueError, match="elsewhere"):
        Workers().gather(call, range(900), most=2)

    assert len(asked) <= 2


def test_threads_stay_for_later_calls_and_end_when_closed() -> None:
    workers = Workers()
    before = set(threading.enumerate())
    meeting = Barrier(4, timeout=10)
    used: set[Thread] = set()

    def call(_: int) -> None:
        used.add(current_thread())
        meeting.wait()

    for _ in range(5):
        workers.gather(call, range(4), most=4)
    started = used - before
    alive = [thread.is_alive() for thread in started]
    workers.close()

    # The caller works as well.
    assert len(used) == 4
    assert alive == [True] * 3
    assert not any(thread.is_alive() for thread in started)


def test_calls_end_while_every_other_thread_is_busy_for_others() -> None:
    workers, busy, free = Workers(1), Barrier(3, timeout=10), Event()

    def wait_there(_: int) -> bool:
        busy.wait()
        return free.wait(timeout=10)

    other = Thread(target=workers.gather, args=(wait_there, range(2)))
    other.start()
    busy.wait()

    # The calls of calls, too.
    found = workers.gather(lambda number: workers.gather(str, range(number)), range(5))

    free.set()
    other.join()
    assert found[4] == {number: str(number) for number in range(4)}


def test_an_interrupt_waits_for_calls_that_have_begun() -> None:
    here, begun, free = current_thread(), Event(), Event()
    ended: list[int] = []

    def call(number: int) -> None:
        if current_thread() is here:
            assert begun.wait(timeout=10)
            free.set()
            raise KeyboardInterrupt
        begun.set()
        assert free.wait(timeout=10)
        ended.append(number)

    with pytest.raises(KeyboardInterrupt):
        Workers().gather(call, range(900), most=2)

    assert len(ended) == 1
