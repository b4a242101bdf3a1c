"""Where a lock is held for a time: who died is followed, and who only slept is stopped."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import LockedError
from reconciler.model.ports import State
from tests.support.backends import BACKENDS, Backend
from tests.support.other_process import actor
from tests.support.states import NOON, WEB, holder, intent

LAPSING = [name for name, backend in BACKENDS.items() if backend.lapses]
LATER = timedelta(hours=1)

pytestmark = pytest.mark.parametrize("backend_name", LAPSING)


def test_the_lock_of_a_killed_run_is_held_for_a_while_and_says_until_when(
    address: str, state: State
) -> None:
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.kill()

    with pytest.raises(LockedError, match="run run-1") as refusal, state.of(WEB).lock(holder("x")):
        pytest.fail("a lock was taken while its holder may live")

    assert state.of(WEB).holder() == holder("run-1")
    assert "If it died, the lock is free from 20" in refusal.value.hint


def test_it_is_taken_over_once_its_time_is_over_and_the_journal_tells(
    backend: Backend, address: str, place: Path
) -> None:
    later = backend.open(place, ahead=LATER)
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.ask("append")
        other.kill()

    named = later.of(WEB).holder()
    web = later.of(WEB)
    with web.lock(holder("run-2")):
        web.append("run-2", NOON, [intent(2)])

    assert named is None
    told = [(record.run, record.type) for record in later.of(WEB).records()]
    assert told == [("run-1", "intent"), ("run-2", "lock_break"), ("run-2", "intent")]
    assert later.of(WEB).records()[1].body["of"] == "run-1"


def test_a_run_that_slept_while_another_took_over_appends_nothing_when_it_wakes(
    backend: Backend, address: str, place: Path
) -> None:
    later = backend.open(place, ahead=LATER).of(WEB)
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.ask("append")
        other.pause()
        with later.lock(holder("run-2")):
            other.resume()
            during = other.ask("append")
            later.append("run-2", NOON, [intent(2)])
        afterwards = [other.ask("append"), other.ask("release")]

    assert (during, afterwards) == ("LockedError", ["LockedError", "released"])
    assert [record.run for record in later.records()] == ["run-1", "run-2", "run-2"]


def test_a_run_that_slept_while_nobody_came_goes_on(
    backend: Backend, address: str, place: Path
) -> None:
    with actor(address, "run-1") as other:
        other.ask("lock")
        other.pause()
        other.resume()
        answers = [other.ask("append"), other.ask("release")]

    assert answers == ["appended", "released"]
    assert backend.open(place).of(WEB).holder() is None
