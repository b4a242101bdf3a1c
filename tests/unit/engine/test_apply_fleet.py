"""Many repositories under one plan: each with its own lock, journal and errors."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from reconciler.engine.apply import ApplyScope, apply_plan
from reconciler.engine.run import Run
from reconciler.errors import (
    AccessError,
    EvidenceError,
    ExitCode,
    LockedError,
    PlanError,
    PolicyError,
    ReconcilerError,
    worst,
)
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Holder, Registry
from reconciler.model.results import Applied
from tests.support.documents import image
from tests.support.scenes import NOON, Scene, go_on, policy

NAMES = [Repository(f"ghcr.io/acme/{name}") for name in ("api", "docs", "web")]
API, DOCS, WEB = NAMES


class Fleet:
    """Three repositories, each with one image to delete."""

    def __init__(self, place: Path) -> None:
        """Fill them and plan for all of them."""
        self.scenes = {name: Scene(place, repository=name) for name in NAMES}
        for scene in self.scenes.values():
            scene.push(image("latest"), "latest")
            scene.push(image("pr 7"), "pr-7")
            scene.later(days=2)
        plans = [scene.plan() for scene in self.scenes.values()]
        parts = tuple(part for plan in reversed(plans) for part in plan.repositories)
        self.plan: DeletionPlan = plans[0].model_copy(update={"repositories": parts})
        self.refused: dict[Repository, ReconcilerError] = {}

    def apply(
        self, halt: Callable[[], str] = go_on, only: Iterable[Repository] = ()
    ) -> dict[str, Applied]:
        """Apply the plan to all of them; results by the name of the repository."""
        scene = self.scenes[API]
        holder = Holder("run-1", "octocat", "runner-7", NOON)
        run = Run(holder, scene.clock, halt, scene.reported.append)
        authority = ApplyScope(self._registry, self._policy, {}, frozenset(only))
        done = apply_plan(self.plan, authority, scene.state, run)
        return {applied.planned.repository.rpartition("/")[2]: applied for applied in done}

    def _registry(self, repository: Repository) -> Registry:
        return self.scenes[repository].registry

    def _policy(self, repository: Repository) -> Policy:
        if repository in self.refused:
            raise self.refused[repository]
        return policy()


@pytest.fixture
def fleet(place: Path) -> Fleet:
    """Give three repositories."""
    return Fleet(place)


def _codes(done: dict[str, Applied]) -> dict[str, ExitCode]:
    return {name: applied.exit_code for name, applied in done.items()}


def test_repositories_are_applied_in_order_each_with_its_own_journal(fleet: Fleet) -> None:
    done = fleet.apply()

    assert list(done) == ["api", "docs", "web"]
    for scene in fleet.scenes.values():
        assert scene.story(old=image("pr 7")) == [
            "run_open",
            "intent old",
            "outcome old deleted",
            "run_close",
        ]
    assert {scene.records[0].body["plan"] for scene in fleet.scenes.values()} == {fleet.plan.digest}


@pytest.mark.parametrize(
    ("method", "error", "code"),
    [
        ("listing", EvidenceError("no answer"), ExitCode.EVIDENCE_INCOMPLETE),
        ("check_deletion", AccessError("may not delete"), ExitCode.ACCESS),
        ("delete", AccessError("may not delete"), ExitCode.ACCESS),
    ],
)
def test_an_error_in_one_repository_does_not_hold_back_the_others(
    fleet: Fleet, method: str, error: ReconcilerError, code: ExitCode
) -> None:
    fleet.scenes[API].registry.fail(method, error)

    done = fleet.apply()

    assert _codes(done) == {"api": code, "docs": ExitCode.OK, "web": ExitCode.OK}
    assert done["api"].error is error
    assert worst(_codes(done).values()) is code
    assert image("pr 7").digest in fleet.scenes[API].alive


def test_only_the_repository_that_was_asked_for_is_applied(fleet: Fleet) -> None:
    done = fleet.apply(only=[DOCS])

    assert list(done) == ["docs"]
    assert fleet.scenes[WEB].registry.deletes == []


def test_what_the_plan_does_not_name_cannot_be_applied_of_it(fleet: Fleet) -> None:
    with pytest.raises(PlanError, match="the plan does not name ghcr.io/acme/shop") as refused:
        fleet.apply(only=[DOCS, Repository("ghcr.io/acme/shop")])

    assert refused.value.exit_code is ExitCode.PLAN_REJECTED
    assert fleet.scenes[DOCS].registry.deletes == []


def test_a_policy_that_cannot_be_told_holds_back_only_its_repository(fleet: Fleet) -> None:
    fleet.refused[DOCS] = PolicyError("ghcr.io/acme/docs is governed by two policies: a and b")

    done = fleet.apply()

    assert _codes(done) == {"api": ExitCode.OK, "docs": ExitCode.BAD_POLICY, "web": ExitCode.OK}
    assert fleet.scenes[DOCS].registry.deletes == []


def test_a_lock_held_on_one_repository_holds_back_only_that_one(fleet: Fleet) -> None:
    state = fleet.scenes[WEB].state

    with state.of(WEB).lock(Holder("run-9", "hubot", "runner-1", NOON)):
        done = fleet.apply()

    assert isinstance(done["web"].error, LockedError)
    assert _codes(done) == {"api": ExitCode.OK, "docs": ExitCode.OK, "web": ExitCode.LOCKED}


def test_a_damaged_journal_stops_its_repository_and_no_other(fleet: Fleet, place: Path) -> None:
    fleet.apply()
    journal = place / DOCS / "_" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b"deleted", b"retained"))

    done = fleet.apply()

    assert _codes(done) == {
        "api": ExitCode.OK,
        "docs": ExitCode.STATE_BROKEN,
        "web": ExitCode.OK,
    }


def test_a_run_that_is_to_stop_leaves_the_repositories_that_are_still_to_come_alone(
    fleet: Fleet,
) -> None:
    first = fleet.scenes[API].registry
    later = [fleet.scenes[name].registry for name in (DOCS, WEB)]
    asked = [len(registry.calls) for registry in later]

    done = fleet.apply(lambda: "interrupted" if first.deletes else "")

    assert {name: applied.stopped for name, applied in done.items()} == {
        "api": "",
        "docs": "interrupted",
        "web": "interrupted",
    }
    assert [len(registry.calls) for registry in later] == asked
    assert _codes(done) == dict.fromkeys(["api", "docs", "web"], ExitCode.OK)
