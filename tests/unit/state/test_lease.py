"""A lease by two clocks that the test moves, on a store that the test meddles with."""

from datetime import datetime, timedelta

import pytest

from reconciler.errors import LockedError, StateError
from reconciler.state.buckets import Bucket
from reconciler.state.objects import ObjectState
from reconciler.state.remote import RemoteRepositoryState
from reconciler.state.store import LeaseTiming, Times
from tests.support.states import NOON, WEB, holder, intent, outcome
from tests.support.watched_store import Watched

TERMS = LeaseTiming(lease=120, margin=100)


class Clocks:
    """The clocks of one machine."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.wall, self.steady = NOON, 0.0

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += timedelta(seconds=seconds)
        self.steady += seconds

    @property
    def times(self) -> Times:
        """What a lock goes by."""
        return Times(lambda: self.wall, lambda: self.steady)


@pytest.fixture
def store() -> Watched:
    """Begin with nothing stored."""
    return Watched()


@pytest.fixture
def clocks() -> Clocks:
    """Begin at noon."""
    return Clocks()


@pytest.fixture
def web(store: Watched, clocks: Clocks) -> RemoteRepositoryState:
    """Open the state of one repository."""
    return ObjectState(store, clocks.times, TERMS).of(WEB)


def at(store: Watched, moment: datetime) -> RemoteRepositoryState:
    """Open it on another machine, at another time."""
    return ObjectState(store, Times(lambda: moment), TERMS).of(WEB)


def after(seconds: float) -> datetime:
    """Tell a time after noon."""
    return NOON + timedelta(seconds=seconds)


def test_a_lease_and_its_margin_keep_others_out_to_the_second(
    store: Watched, web: RemoteRepositoryState
) -> None:
    with web.lock(holder("run-1")):
        with pytest.raises(LockedError), at(store, after(219)).lock(holder("run-2")):
            pytest.fail("two runs hold one lock")
        with (
            at(store, after(220)).lock(holder("run-2")),
            pytest.raises(LockedError, match="was broken or removed"),
        ):
            web.confirm_lock()


def test_a_fresh_lease_is_confirmed_by_looking_and_an_old_one_by_renewing(
    store: Watched, web: RemoteRepositoryState, clocks: Clocks
) -> None:
    with web.lock(holder("run-1")):
        clocks.pass_by(72)
        web.confirm_lock()
        fresh = len(store.written)
        clocks.pass_by(1)
        web.confirm_lock()
        renewed = len(store.written)
        found = at(store, after(292)).holder()

    assert (fresh, renewed) == (1, 2)
    assert found == holder("run-1")


@pytest.mark.parametrize("clock", ["wall", "steady"])
def test_either_clock_makes_a_lease_old(
    store: Watched, web: RemoteRepositoryState, clocks: Clocks, clock: str
) -> None:
    with web.lock(holder("run-1")):
        if clock == "wall":
            clocks.wall += timedelta(seconds=73)
        else:
            clocks.steady += 73
        web.confirm_lock()

    assert store.written == ["locks", "locks", "locks"]


def test_a_wall_clock_that_was_set_back_makes_a_lease_old(
    store: Watched, web: RemoteRepositoryState, clocks: Clocks
) -> None:
    with web.lock(holder("run-1")):
        clocks.wall -= timedelta(seconds=1)
        web.confirm_lock()

    assert store.written == ["locks", "locks", "locks"]


def test_a_lease_that_ran_out_while_nobody_came_is_renewed(
    web: RemoteRepositoryState, clocks: Clocks
) -> None:
    with web.lock(holder("run-1")):
        clocks.pass_by(3600)
        web.append("run-1", NOON, [intent(1)])

    assert len(web.records()) == 1


def test_a_lock_that_cannot_be_looked_at_is_not_confirmed(
    store: Watched, web: RemoteRepositoryState, clocks: Clocks
) -> None:
    def fail() -> None:
        raise StateError("no answer")

    with web.lock(holder("run-1")):
        clocks.pass_by(100)
        store.failure = fail
        with pytest.raises(StateError, match="no answer"):
            web.confirm_lock()


def test_a_write_whose_answer_was_lost_and_that_was_sent_again_is_our_own(
    store: Watched, web: RemoteRepositoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Bucket.create

    def twice(self: Bucket, name: str, content: bytes) -> str | None:
        create(self, name, content)
        return create(self, name, content)

    monkeypatch.setattr(Bucket, "create", twice)
    with web.lock(holder("run-1")):
        web.append("run-1", NOON, [intent(1)])
        web.append("run-1", NOON, [intent(2)])

    assert [record.seq for record in web.records()] == [1, 2]


def test_of_two_writers_one_gets_the_next_record_and_the_other_is_stopped(
    store: Watched, clocks: Clocks
) -> None:
    paused = ObjectState(store, clocks.times, TERMS).of(WEB)
    with paused.lock(holder("run-1")):
        paused.append("run-1", NOON, [intent(1)])
        journal = paused._journal
        with at(store, after(300)).lock(holder("run-2")):
            with pytest.raises(LockedError, match="was written by another run"):
                journal.append("run-1", NOON, [intent(2)])
            with pytest.raises(StateError, match="nothing more is written after a failed write"):
                journal.append("run-1", NOON, [intent(3)])

    assert [record.run for record in paused.records()] == ["run-1", "run-2"]


def test_what_is_noted_goes_with_the_next_append_in_one_write(
    store: Watched, web: RemoteRepositoryState
) -> None:
    with web.lock(holder("run-1")):
        web.append("run-1", NOON, [intent(1), intent(2)])
        web.note("run-1", after(1), [outcome(1)])
        web.note("run-1", after(2), [outcome(2)])
        written = web.append("run-1", after(3), [intent(3)])

    assert store.written.count("journals") == 2
    assert [record.seq for record in written] == [5]
    assert [record.ts for record in web.records()] == [NOON, NOON, after(1), after(2), after(3)]


def test_what_is_noted_last_is_written_at_the_end_of_the_lock(web: RemoteRepositoryState) -> None:
    with web.lock(holder("run-1")):
        web.append("run-1", NOON, [intent(1)])
        web.note("run-1", NOON, [outcome(1)])

    assert [record.type for record in web.records()] == ["intent", "outcome"]


def test_a_lock_that_does_not_say_who_holds_it_is_an_error_with_its_place(
    store: Watched, web: RemoteRepositoryState
) -> None:
    store.create("locks/ghcr.io/acme/web/_", b"{}")

    with pytest.raises(
        StateError, match="memory:///locks/ghcr.io/acme/web/_ is damaged: the lock holder"
    ):
        web.holder()


def test_observations_that_are_no_such_thing_are_an_error(
    store: Watched, web: RemoteRepositoryState
) -> None:
    store.create("observations/ghcr.io/acme/web/_", b"not compressed")

    with pytest.raises(StateError, match="observations/ghcr.io/acme/web/_ is damaged"):
        web.observations()
