"""What every backend promises about the observations of a repository."""

from datetime import timedelta

import pytest

from reconciler.errors import StateError
from reconciler.model.inventory import Observation, Observations
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import State
from tests.support.states import NOON, WEB, holder

ONE = Digest("sha256:" + "1" * 64)
TWO = Digest("sha256:" + "2" * 64)


def test_a_repository_never_observed_has_no_observations(state: State) -> None:
    assert state.of(WEB).observations() == Observations()


def test_observations_are_read_back_equal_by_others(state: State) -> None:
    seen = Observations(
        digests={
            ONE: Observation(first_seen=NOON, tags=(Tag("latest"), Tag("v1"))),
            TWO: Observation(
                first_seen=NOON - timedelta(days=9, microseconds=1),
                untagged_since=NOON,
                tags=(Tag("v0"),),
                retained="more than 5,000 downloads — kept",
                held=True,
            ),
        }
    )
    web = state.of(WEB)

    with web.lock(holder()):
        web.save_observations(seen)

    assert state.of(WEB).observations() == seen


def test_saving_replaces_all_that_was_observed_before(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        web.save_observations(Observations(digests={ONE: Observation(first_seen=NOON)}))
        web.save_observations(Observations(digests={TWO: Observation(first_seen=NOON)}))

    assert list(web.observations().digests) == [TWO]


def test_each_repository_has_its_own_observations(state: State) -> None:
    web = state.of(WEB)

    with web.lock(holder()):
        web.save_observations(Observations(digests={ONE: Observation(first_seen=NOON)}))

    assert state.of(Repository("ghcr.io/acme/api")).observations() == Observations()


def test_nothing_is_saved_without_the_lock(state: State) -> None:
    with pytest.raises(StateError, match="ghcr.io/acme/web.*must not be written without its lock"):
        state.of(WEB).save_observations(Observations(digests={ONE: Observation(first_seen=NOON)}))

    assert state.of(WEB).observations() == Observations()
