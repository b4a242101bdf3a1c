"""A state that was begun under another spelling of a repository holds back what it held back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.errors import LockedError, StateError
from reconciler.model.inventory import Observation, Observations
from reconciler.model.journal import Entry, VersionBody, open_intents
from reconciler.model.names import Digest, Repository
from reconciler.state.spellings import Spellings
from tests.support.backends import Backend
from tests.support.states import NOON, WEB, holder, intent

OLD = "GHCR.io:443/acme/web"
HELD = Observations(digests={Digest(f"sha256:{1:064x}"): Observation(first_seen=NOON, held=True)})


@contextmanager
def spelled(name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep states under a spelling, as earlier releases did."""
    with monkeypatch.context() as patch:
        patch.setattr(Spellings, "of", lambda self, repository: name)
        yield


def test_a_state_under_an_old_spelling_is_used_where_it_is(
    backend: Backend, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spelled(OLD, monkeypatch):
        old = backend.open(place).of(WEB)
        with old.lock(holder("run-1")):
            written = old.append("run-1", NOON, [intent()])
            old.save_observations(HELD)

    state = backend.open(place)

    assert list(state.repositories()) == [WEB]
    assert list(state.of(WEB).records()) == list(written)
    assert state.of(WEB).observations() == HELD
    with spelled(OLD, monkeypatch):
        other = backend.open(place).of(WEB)
    with other.lock(holder("run-2")), pytest.raises(LockedError):
        state.of(WEB).lock(holder("run-3")).__enter__()


def test_two_states_of_one_repository_are_refused_with_both_names(
    backend: Backend, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (OLD, str(WEB)):
        with spelled(name, monkeypatch):
            old = backend.open(place).of(WEB)
            with old.lock(holder()):
                old.append("run-1", NOON, [intent()])
    state = backend.open(place)

    with pytest.raises(StateError) as caught:
        state.of(WEB)

    assert OLD in str(caught.value)
    assert str(WEB) in str(caught.value).replace(OLD, "")
    assert "Move all but the one" in caught.value.hint
    # Another repository is not held back.
    assert list(state.of(Repository("ghcr.io/acme/api")).records()) == []


def test_what_an_old_journal_calls_a_version_is_its_name_today(
    backend: Backend, place: Path
) -> None:
    web = backend.open(place).of(WEB)
    body = {"key": f"{OLD}@sha256:{1:064x}", "version_id": "1"}
    with web.lock(holder()):
        web.append("run-1", NOON, [Entry("intent", body)])

    assert list(open_intents(web.records())) == [f"{WEB}@sha256:{1:064x}"]
    assert VersionBody(key="no name@x").version_key == "no name@x"
