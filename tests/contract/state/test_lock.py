"""What every backend promises about the lock of a repository."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.errors import LockedError
from reconciler.model.names import Repository
from reconciler.model.ports import Holder, State
from tests.support.backends import BACKENDS, Backend
from tests.support.other_process import actor
from tests.support.states import NOON, WEB, holder, holder_left, intent

LETTING_GO = [name for name, backend in BACKENDS.items() if not backend.lapses]


def test_a_lock_that_nobody_holds_has_no_holder(state: State) -> None:
    assert state.of(WEB).holder() is None


def test_whoever_finds_it_held_is_told_by_whom_and_what_to_do(state: State) -> None:
    with (
        state.of(WEB).lock(holder("run-1", who="octocat", where="runner-7")),
        pytest.raises(LockedError) as refusal,
        state.of(WEB).lock(holder("run-2")),
    ):
        pytest.fail("two runs hold one lock")

    message = str(refusal.value)
    assert message.startswith(
        "ghcr.io/acme/web: the lock is held by run run-1 (octocat on runner-7"
    )
    assert message.endswith("since 2026-03-01 12:00:00 UTC")
    assert refusal.value.hint.startswith("Wait for that run to end, then run again.")


def test_the_holder_can_be_asked_for_while_it_holds(state: State) -> None:
    with state.of(WEB).lock(holder("run-1")):
        during = state.of(WEB).holder()
    after = state.of(WEB).holder()

    assert during == Holder(run="run-1", who="octocat", where="runner-7", since=NOON)
    assert after is None


def test_asking_for_the_holder_leaves_the_lock_free(state: State) -> None:
    web = state.of(WEB)
    with web.lock(holder("run-1")):
        pass

    asked = web.holder()

    assert asked is None
    with web.lock(holder("run-2")):
        assert web.holder() == holder("run-2")


def test_a_run_that_fails_lets_go_of_the_lock(state: State) -> None:
    web = state.of(WEB)

    with pytest.raises(ZeroDivisionError), web.lock(holder("run-1")):
        raise ZeroDivisionError

    with web.lock(holder("run-2")):
        assert web.holder() == holder("run-2")


def test_the_same_run_cannot_take_it_twice(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        with pytest.raises(LockedError), web.lock(holder()):
            pytest.fail("one run holds its lock twice")
        web.append("run-1", NOON, [intent()])

    assert len(web.records()) == 1


def test_locks_of_two_repositories_do_not_exclude_each_other(state: State) -> None:
    with state.of(WEB).lock(holder()), state.of(Repository(f"{WEB}/docs")).lock(holder("run-2")):
        assert state.of(WEB).holder() == holder()


def test_of_several_processes_exactly_one_gets_the_lock(address: str) -> None:
    with ExitStack() as stack:
        actors = [stack.enter_context(actor(address, f"run-{n}")) for n in range(3)]

        for process in actors:
            process.tell("lock")
        answers = sorted(process.answer() for process in actors)

    assert answers == ["LockedError", "LockedError", "locked"]


def test_no_two_processes_ever_hold_it_at_once(
    backend: Backend, address: str, tmp_path: Path, state: State
) -> None:
    with ExitStack() as stack:
        actors = [stack.enter_context(actor(address, f"run-{n}")) for n in range(3)]

        for process in actors:
            process.tell(f"take-turns {backend.turns} {tmp_path / 'held'}")
        answers = [process.answer() for process in actors]

    assert answers == ["done", "done", "done"]
    assert len(state.of(WEB).records()) == 3 * backend.turns


@pytest.mark.parametrize("backend_name", LETTING_GO)
def test_a_killed_holder_lets_go_and_is_not_named_any_more(address: str, state: State) -> None:
    web = state.of(WEB)
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.ask("append")
        while_alive = web.holder()
        other.kill()

    left = holder_left(web)

    assert while_alive == holder("run-1")
    assert left is None
    with web.lock(holder("run-2")):
        assert web.holder() == holder("run-2")
        assert [record.run for record in web.records()] == ["run-1"]


def test_a_paused_holder_keeps_the_lock_and_goes_on_when_it_wakes(
    address: str, state: State
) -> None:
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.pause()

        with pytest.raises(LockedError, match="run run-1"), state.of(WEB).lock(holder("run-2")):
            pytest.fail("the lock of a paused run was taken")
        other.resume()
        answers = [other.ask("append"), other.ask("release")]

    assert answers == ["appended", "released"]
    assert [record.run for record in state.of(WEB).records()] == ["run-1"]


def test_a_run_that_finds_it_held_does_not_wait_long(state: State) -> None:
    with state.of(WEB).lock(holder("run-1")):
        started = time.monotonic()
        with pytest.raises(LockedError), state.of(WEB).lock(holder("run-2")):
            pytest.fail("two runs hold one lock")

    assert time.monotonic() - started < 5
