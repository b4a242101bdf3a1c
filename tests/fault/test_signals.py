"""A run that is asked to stop: it ends what it has begun, says so, and the next one goes on."""

from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from time import monotonic

import pytest

from reconciler.model.durations import FRESH_SECONDS
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.server import Sandbox
from tests.support.cli import Ended, Running
from tests.support.fault_harness import FaultHarness, now, package_of, sandbox
from tests.support.tripwire import held_up

pytestmark = pytest.mark.fault

APPLY = ("apply", "plan.json", "--yes")
PROMPT = 5.0
"""Longest that a run may take to end when it is asked to, in seconds."""

TABLE = """
    40d  web        image       @ latest
    40d  old-amd64  image
    40d  old-arm64  image linux/arm64
    40d  old        index old-amd64 old-arm64
    39d  single*20  image
"""
SIGNALS = pytest.mark.parametrize("number", [SIGINT, SIGTERM])
FOR_AN_HOUR = Answer(
    status=403,
    body='{"message": "You have exceeded a secondary rate limit."}',
    headers={"retry-after": "3600"},
)


@pytest.fixture
def serving() -> Iterator[Sandbox]:
    """Serve a sandbox that takes its time."""
    with sandbox(latency=0.1) as serving:
        yield serving


@pytest.fixture
def rig(serving: Sandbox, tmp_path: Path) -> FaultHarness:
    """Set up the package, with a plan to delete 23 versions."""
    made = FaultHarness.at(serving, package_of(TABLE, now())[0], tmp_path)
    assert made.reconciler("plan", "--out", "plan.json").code == 0
    assert len(made.planned) == 23
    return made


def stop(running: Running, number: Signals) -> Ended:
    """Ask a run to stop, and wait for no longer than it may take."""
    running.send(number)
    return running.wait(PROMPT)


def closing(rig: FaultHarness) -> str:
    """Return why the last run closed its journal."""
    assert rig.records[-1]["type"] == "run_close"
    return str(rig.records[-1]["body"]["reason"])


def check_next_run_goes_on(rig: FaultHarness) -> None:
    """Run to the end; each version was deleted once, and nothing had to be found out."""
    assert rig.reconciler(*APPLY).code == 0
    assert sorted(rig.deletions) == sorted((one, 204) for one in rig.planned.values())
    assert {record["type"] for record in rig.records} <= {
        "run_open", "intent", "outcome", "run_close"
    }  # fmt: skip


@SIGNALS
def test_a_signal_ends_a_run_with_the_image_in_hand_and_the_next_one_goes_on(
    rig: FaultHarness, number: Signals
) -> None:
    with held_up(rig.sandbox, 1, "DELETE") as held:
        running = rig.reconciler.start(*APPLY)
        assert held.reached_by(running)
        running.send(number)
    ended = running.wait(PROMPT)

    assert ended.code == 130, ended
    assert "Stopped: interrupted." in ended.stdout
    assert closing(rig) == "interrupted"
    assert len(rig.deletions) == 3
    check_next_run_goes_on(rig)


@SIGNALS
def test_a_second_signal_ends_a_run_at_once_and_the_next_one_finds_out(
    rig: FaultHarness, number: Signals
) -> None:
    with held_up(rig.sandbox, 2, "DELETE") as held:
        running = rig.reconciler.start(*APPLY)
        assert held.reached_by(running)
        running.send(number)
        running.await_that(lambda: not running.catches(number))
        ended = stop(running, number)

    assert ended.code == -number
    assert rig.reconciler(*APPLY).code == 0
    assert sorted(rig.deletions) == sorted((one, 204) for one in rig.planned.values())


@SIGNALS
@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", ""), ("GET", r"versions\?state=active"), ("GET", r"/users/acme")],
    ids=["deleting", "reading", "asking"],
)
def test_a_signal_ends_the_wait_for_a_rate_limit(
    rig: FaultHarness, number: Signals, method: str, path: str
) -> None:
    rig.sandbox.add_faults(Fault(method=method, path=path, times=None, answer=FOR_AN_HOUR))
    running = rig.reconciler.start(*APPLY)
    running.await_that(lambda: "waiting" in running.said)

    ended = stop(running, number)

    assert ended.code == 130, ended
    rig.sandbox.clear_faults()
    rig.sandbox.forget_requests()
    check_next_run_goes_on(rig)


@SIGNALS
def test_a_signal_ends_the_wait_for_a_rate_limit_while_it_plans(
    rig: FaultHarness, number: Signals
) -> None:
    rig.sandbox.add_faults(Fault(path="versions", times=None, answer=FOR_AN_HOUR))
    running = rig.reconciler.start("apply", "--yes")
    running.await_that(lambda: "waiting" in running.said)

    ended = stop(running, number)

    assert ended.code == 130, ended


@SIGNALS
def test_a_signal_ends_a_long_read(rig: FaultHarness, tmp_path: Path, number: Signals) -> None:
    # So many that those on the way when the signal comes are few of them, however slow we are.
    for number_of_image in range(200):
        rig.package.push(image(f"more {number_of_image}"), at=now())
    rig.sandbox.add_faults(Fault(path="/manifests/", times=None, delay=1.0))
    rig.sandbox.forget_requests()
    nothing_known = {"RECONCILER_CACHE": str(tmp_path / "other")}
    with held_up(rig.sandbox, 6, "GET") as held:
        running = rig.reconciler.start(*APPLY, more=nothing_known)
        assert held.reached_by(running)
        running.send(number)
    ended = running.wait(PROMPT)

    assert ended.code == 130, ended
    assert rig.records == []
    assert len(rig.sandbox.requests) < len(rig.package.live)


def test_a_time_budget_ends_a_run_as_a_success_and_the_next_one_goes_on(rig: FaultHarness) -> None:
    with held_up(rig.sandbox, 1, "DELETE") as held:
        running = rig.reconciler.start(*APPLY, "--time-budget", "5s")
        assert held.reached_by(running)
        used_up = monotonic() + max(5.0, FRESH_SECONDS)
        running.await_that(lambda: monotonic() > used_up)
    ended = running.wait(PROMPT)

    assert ended.code == 0, ended
    assert "Stopped: the time budget is used up." in ended.stdout
    assert closing(rig) == "the time budget is used up"
    # What is left of the image would need another look: nothing is read once the time is up.
    assert len(rig.deletions) == 1
    check_next_run_goes_on(rig)
