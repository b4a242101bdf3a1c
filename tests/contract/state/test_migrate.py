"""What is copied from any backend to any other is the same journal, hash by hash."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.engine.state_admin import migrate
from reconciler.errors import JournalError, StateError
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Repository
from reconciler.model.ports import State
from tests.support.backends import BACKENDS, Backend
from tests.support.inventories import digest
from tests.support.states import NOON, WEB, holder, intent, outcome

API = Repository("ghcr.io/acme/api")
SEEN = Observations(digests={digest("v1"): Observation(first_seen=NOON)})


@pytest.fixture
def home(tmp_path: Path) -> State:
    """Fill a state in a directory: two repositories, several runs."""
    state = BACKENDS["local"].open(tmp_path / "home")
    for number in range(3):
        web, moment = state.of(WEB), NOON + timedelta(days=number)
        with web.lock(holder(f"run-{number}")):
            web.append(f"run-{number}", moment, [intent(number), intent(number + 100)])
            web.append(f"run-{number}", moment + timedelta(seconds=1), [outcome(number)])
            web.save_observations(SEEN)
    api = state.of(API)
    with api.lock(holder("run-9")):
        api.append("run-9", NOON, [intent(9)])
    return state


def test_a_round_trip_gives_back_every_record_and_observation(
    home: State, state: State, tmp_path: Path
) -> None:
    back = BACKENDS["local"].open(tmp_path / "back")

    there = list(migrate(home, state, holder("move-1")))
    again = list(migrate(state, back, holder("move-2")))

    assert [(one.repository, one.records) for one in there] == [(API, 1), (WEB, 9)]
    assert there == again
    for name in (API, WEB):
        assert list(back.of(name).records()) == list(home.of(name).records())
    assert (back.of(WEB).observations(), back.of(API).observations()) == (SEEN, Observations())


def test_a_copy_that_was_interrupted_goes_on_and_a_finished_one_copies_nothing(
    home: State, state: State
) -> None:
    first = home.of(WEB).records()[:2]
    web = state.of(WEB)
    with web.lock(holder("move-1")):
        web.append("run-0", NOON, [intent(0), intent(100)])

    rest = list(migrate(home, state, holder("move-2")))
    nothing = list(migrate(home, state, holder("move-3")))

    assert list(state.of(WEB).records()[:2]) == list(first)
    assert [one.records for one in rest] == [1, 7]
    assert [one.records for one in nothing] == [0, 0]


def test_a_place_with_a_journal_of_its_own_is_refused_and_left_alone(
    home: State, state: State
) -> None:
    web = state.of(WEB)
    with web.lock(holder()):
        web.append("run-1", NOON, [intent(77)])

    with pytest.raises(StateError, match="ghcr.io/acme/web: the target has a journal of its own"):
        list(migrate(home, state, holder("move-1")))

    assert [record.body["version_id"] for record in state.of(WEB).records()] == ["77"]


def test_a_journal_that_does_not_verify_is_not_copied(
    backend: Backend, place: Path, state: State, tmp_path: Path
) -> None:
    web = state.of(WEB)
    with web.lock(holder()):
        web.append("run-1", NOON, [intent(1), outcome(1)])
    journal = backend.journal(place, WEB)
    journal.write(journal.read().replace(b"deleted", b"present"))
    target = BACKENDS["local"].open(tmp_path / "target")

    with pytest.raises(JournalError):
        list(migrate(state, target, holder("move-1")))

    assert list(target.of(WEB).records()) == []
