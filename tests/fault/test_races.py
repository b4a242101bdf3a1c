"""Two runs of one plan at once: one holds the lock, the other is told who, or comes too late.

That they never delete at the same time is not taken from the lock: each process writes down when
it sends a DELETE and when it is answered, and the order of these lines is the kernel's.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from shutil import copy, copytree
from signal import SIGCONT, SIGSTOP
from time import monotonic, sleep

import pytest

from reconciler.sandbox.faults import Fault
from tests.support.cli import Running
from tests.support.fault_harness import FaultHarness, now, package_of, sandbox
from tests.support.killable_cli import gate
from tests.support.killed_cli import TRACE
from tests.support.tripwire import held_up

pytestmark = pytest.mark.fault

ROUNDS = 25
APPLY = ("apply", "plan.json", "--yes")
TABLE = """
    40d  web        image       @ latest
    40d  old-amd64  image
    40d  old        index old-amd64
    39d  single*3   image
"""
SLOW = Fault(method="DELETE", times=None, delay=0.1)
"""Makes runs last long enough that two of them overlap."""

PATIENCE = 60.0
"""Longest wait for the first of two runs to end, in seconds."""


@pytest.fixture
def rigs(tmp_path: Path) -> Iterator[Iterator[FaultHarness]]:
    """Set up the package, with a plan to delete five versions, as often as it is wanted."""
    with sandbox() as serving:

        def made() -> Iterator[FaultHarness]:
            moment = now()
            first = tmp_path / "0"
            for number in range(ROUNDS):
                folder = tmp_path / str(number)
                folder.mkdir()
                # The same moment gives the same package, so that one plan fits all of them.
                rig = FaultHarness.at(serving, package_of(TABLE, moment)[0], folder)
                if folder == first:
                    assert rig.reconciler("plan", "--out", "plan.json").code == 0
                else:
                    copy(first / "plan.json", folder)
                    copytree(first / "cache", folder / "cache", dirs_exist_ok=True)
                serving.forget_requests()
                yield rig

        yield made()


def race(rig: FaultHarness, *more: tuple[str, ...]) -> list[Running]:
    """Start two runs at the same moment, with more arguments for each; wait for neither."""
    both = gate(2)
    environment = {TRACE: str(rig.folder / "passages")}
    arguments = more or ((), ())
    return [rig.reconciler.start(*APPLY, *one, more=environment, gate=both) for one in arguments]


def deleting(rig: FaultHarness) -> list[str]:
    """Return which process sent or was answered a DELETE, in order, each turn once."""
    lines = (rig.folder / "passages").read_text().splitlines()
    sent = (line.partition(" ") for line in lines)
    return [
        pid for pid, _ in groupby(pid for pid, _, what in sent if what.startswith("HTTP DELETE"))
    ]


def overlap(rig: FaultHarness) -> bool:
    """Race two runs that each have a state of their own; return whether both deleted at once."""
    rig.sandbox.add_faults(SLOW)
    for run in race(rig, ("--state", "one"), ("--state", "other")):
        run.wait()
    rig.sandbox.clear_faults()
    turns = deleting(rig)
    return len(turns) > len(set(turns)) == 2


def check_race(rig: FaultHarness, runs: list[Running]) -> list[int]:
    """Wait for two runs and hold them to what must hold of any two; return their exit codes."""
    ended = [run.wait() for run in runs]
    codes = [end.code for end in ended]
    assert sorted(codes) in ([0, 0], [0, 5]), ended
    for other, end in zip(reversed(runs), ended, strict=True):
        if end.code == 5:
            assert f"process {other.pid})" in end.stdout + end.stderr
    assert len(deleting(rig)) == len(set(deleting(rig)))
    assert sorted(rig.deletions) == sorted((one, 204) for one in rig.planned.values())
    rig.state.of(rig.repository).records()
    return codes


def until_one_ended(runs: list[Running]) -> None:
    """Wait until one of two runs has ended."""
    given_up_at = monotonic() + PATIENCE
    while all(run.lives for run in runs):
        assert monotonic() < given_up_at, "neither run ended"
        sleep(0.01)


def test_of_two_runs_at_once_one_deletes_and_the_other_finds_the_lock_held_or_nothing_to_do(
    rigs: Iterator[FaultHarness],
) -> None:
    for rig in rigs:
        check_race(rig, race(rig))


def test_of_two_runs_at_once_the_other_is_refused_while_the_lock_holder_deletes(
    rigs: Iterator[FaultHarness],
) -> None:
    for rig in rigs:
        # The first DELETE is not answered before the other run has ended, however busy the machine.
        with held_up(rig.sandbox, 1, "DELETE"):
            runs = race(rig)
            until_one_ended(runs)

        assert sorted(check_race(rig, runs)) == [0, 5]


def test_two_runs_that_share_no_lock_do_overlap_and_are_found_out(
    rigs: Iterator[FaultHarness],
) -> None:
    # On a busy machine one run may end before the other begins, so they meet again until they do.
    assert any(overlap(rig) for rig in rigs)


def test_while_a_run_is_stopped_nobody_else_gets_in_and_afterwards_it_ends_its_work(
    rigs: Iterator[FaultHarness],
) -> None:
    rig = next(rigs)
    with held_up(rig.sandbox, 2, "DELETE") as held:
        stopped = rig.reconciler.start(*APPLY)
        assert held.reached_by(stopped)
        stopped.send(SIGSTOP)

    refused = [rig.reconciler(*APPLY) for _ in range(2)]
    lasted = stopped.lives
    sent = len(rig.deletions)
    stopped.send(SIGCONT)
    ended = stopped.wait()

    assert [end.code for end in refused] == [5, 5]
    assert all(f"process {stopped.pid})" in end.stdout + end.stderr for end in refused)
    assert (lasted, sent) == (True, 2)
    assert ended.code == 0
    assert sorted(rig.deletions) == sorted((one, 204) for one in rig.planned.values())
