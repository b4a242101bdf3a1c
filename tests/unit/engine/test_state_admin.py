"""Breaking the locks of one run leaves those of all others alone, and is recorded."""

from pathlib import Path

import pytest

from reconciler.engine import recheck
from reconciler.engine.state_admin import break_locks, locks
from reconciler.errors import ExitCode, LockedError
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.local import LocalState
from tests.support.documents import image
from tests.support.scenes import NOON, WEB, Scene

API = Repository("ghcr.io/acme/api")
BREAKER = Holder("break-1", "hubot", "laptop", NOON)


def holder(run: str) -> Holder:
    """Say who holds a lock."""
    return Holder(run, "octocat", "runner-7", NOON)


@pytest.fixture
def state(place: Path) -> LocalState:
    """Give a state of two repositories, which no run holds."""
    opened = LocalState(place)
    for repository in (WEB, API):
        with opened.of(repository).lock(holder("run-0")):
            pass
    return opened


def test_every_lock_is_told_with_its_holder(state: LocalState) -> None:
    with state.of(WEB).lock(holder("run-1")):
        told = [(one.repository, one.holder) for one in locks(state)]

    assert told == [(API, None), (WEB, holder("run-1"))]


def test_all_locks_of_the_named_run_are_broken_and_no_others(state: LocalState) -> None:
    web, api = state.of(WEB), state.of(API)

    with web.lock(holder("run-1")), api.lock(holder("run-2")):
        broken = break_locks("run-1", state, BREAKER)

        api.confirm_lock()
        with pytest.raises(LockedError):
            web.confirm_lock()

    assert [(one.repository, one.holder) for one in broken] == [(WEB, holder("run-1"))]


def test_the_break_says_whose_lock_it_was_and_who_broke_it(state: LocalState) -> None:
    with state.of(WEB).lock(holder("run-1")):
        break_locks("run-1", state, BREAKER)

    (record,) = state.of(WEB).records()
    assert (record.run, record.type) == ("break-1", "lock_break")
    assert record.body["of"] == "run-1"
    assert record.body["who"] == "hubot@laptop"
    assert record.body["holder"] == "octocat@runner-7"


def test_a_run_that_holds_nothing_is_refused_while_others_hold_locks(state: LocalState) -> None:
    with (
        state.of(WEB).lock(holder("run-1")),
        pytest.raises(LockedError, match="run run-9 holds no lock; locks are held by run-1"),
    ):
        break_locks("run-9", state, BREAKER)


def test_where_nobody_holds_a_lock_nothing_is_broken_or_written(state: LocalState) -> None:
    assert break_locks("run-1", state, BREAKER) == []
    assert list(state.of(WEB).records()) == []


def test_an_apply_whose_lock_is_broken_sends_no_deletion_any_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recheck, "TOGETHER", 1)
    scene.push(image("latest"), "latest")
    scene.push(image("pr 7"), "pr-7")
    scene.push(image("pr 8"), "pr-8")
    scene.later(days=2)
    plan = scene.plan()
    scene.registry.on("pace", lambda: break_locks("run-1", scene.state, BREAKER), nth=2)

    applied = scene.apply(plan)

    assert len(scene.registry.deletes) == 1
    assert applied.exit_code is ExitCode.LOCKED
    assert scene.records[-1].type == "lock_break"
