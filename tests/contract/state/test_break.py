"""What every backend promises about breaking a lock: who had it can do nothing any more."""

import pytest

from reconciler.errors import LockedError
from reconciler.model.inventory import Observation, Observations
from reconciler.model.ports import State
from tests.support.inventories import digest
from tests.support.other_process import actor
from tests.support.states import NOON, WEB, holder, intent

SEEN = Observations(digests={digest("v1"): Observation(first_seen=NOON)})


def test_a_broken_lock_is_free_for_the_next_run_and_the_chain_goes_on(state: State) -> None:
    hung, breaker, after = state.of(WEB), state.of(WEB), state.of(WEB)

    with hung.lock(holder("run-1")):
        hung.append("run-1", NOON, [intent(1)])
        with breaker.seize(holder("run-2"), "run-1"):
            breaker.append("run-2", NOON, [intent(2)])
        with after.lock(holder("run-3")):
            after.append("run-3", NOON, [intent(3)])

    records = state.of(WEB).records()
    assert [(record.seq, record.run) for record in records] == [
        (1, "run-1"),
        (2, "run-2"),
        (3, "run-3"),
    ]


def test_the_run_whose_lock_was_broken_is_told_before_it_does_anything(state: State) -> None:
    hung, breaker = state.of(WEB), state.of(WEB)

    with hung.lock(holder("run-1")):
        hung.append("run-1", NOON, [intent(1)])
        with breaker.seize(holder("run-2"), "run-1"):
            pass

        with pytest.raises(LockedError, match="ghcr.io/acme/web: the lock of this run was broken"):
            hung.confirm_lock()
        with pytest.raises(LockedError):
            hung.append("run-1", NOON, [intent(2)])
        with pytest.raises(LockedError):
            hung.save_observations(SEEN)

    assert len(state.of(WEB).records()) == 1
    assert state.of(WEB).observations() == Observations()


def test_a_lock_that_is_held_is_confirmed(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        web.confirm_lock()
        web.holder()
        web.confirm_lock()


def test_whoever_broke_a_lock_is_its_holder_and_leaves_it_free(state: State) -> None:
    hung, breaker = state.of(WEB), state.of(WEB)

    with hung.lock(holder("run-1")):
        with breaker.seize(holder("run-2"), "run-1"):
            during = state.of(WEB).holder()
            with pytest.raises(LockedError, match="run run-2"), state.of(WEB).lock(holder("x")):
                pytest.fail("two runs hold one lock")
        after = state.of(WEB).holder()

    assert during == holder("run-2")
    assert after is None


def test_a_run_that_ends_after_its_lock_was_broken_leaves_the_next_holder_alone(
    state: State,
) -> None:
    breaker, after = state.of(WEB), state.of(WEB)
    hung = state.of(WEB).lock(holder("run-1"))
    hung.__enter__()
    with breaker.seize(holder("run-2"), "run-1"):
        pass

    with after.lock(holder("run-3")):
        hung.__exit__(None, None, None)
        named = state.of(WEB).holder()
        after.confirm_lock()

    assert named == holder("run-3")


@pytest.mark.parametrize("run", ["run-2", ""])
def test_only_the_run_that_is_named_loses_its_lock(state: State, run: str) -> None:
    web, breaker = state.of(WEB), state.of(WEB)

    with web.lock(holder("run-1")):
        with (
            pytest.raises(LockedError, match=f"run {run} does not hold the lock"),
            breaker.seize(holder("run-9"), run),
        ):
            pytest.fail("a lock was broken that nobody named")
        web.append("run-1", NOON, [intent()])

    assert len(web.records()) == 1


def test_of_two_who_break_one_lock_the_second_finds_another_holder(state: State) -> None:
    hung, first, second = state.of(WEB), state.of(WEB), state.of(WEB)

    with hung.lock(holder("run-1")), first.seize(holder("run-2"), "run-1"):
        with (
            pytest.raises(LockedError, match="run run-1 does not hold the lock"),
            second.seize(holder("run-3"), "run-1"),
        ):
            pytest.fail("one lock was broken twice")
        first.append("run-2", NOON, [intent()])


def test_a_free_lock_cannot_be_broken(state: State) -> None:
    web = state.of(WEB)
    with web.lock(holder("run-1")):
        pass

    with pytest.raises(LockedError), web.seize(holder("run-2"), "run-1"):
        pytest.fail("a lock was broken that nobody held")


def test_a_process_that_was_paused_can_append_nothing_once_its_lock_is_broken(
    address: str, state: State
) -> None:
    web = state.of(WEB)
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.ask("append")
        other.pause()
        with web.seize(holder("run-2"), "run-1"):
            web.append("run-2", NOON, [intent(2)])

        other.resume()
        answers = [other.ask("append"), other.ask("release")]

    assert answers == ["LockedError", "released"]
    assert [record.run for record in state.of(WEB).records()] == ["run-1", "run-2"]
