"""A run killed at every boundary there is, and run again: nothing is lost, nothing is done twice.

Each failpoint is a real process that the kernel kills there. What must hold is read by an oracle
that knows nothing of the program, from the registry's bytes and from the lines of the journal.
"""

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from signal import SIGKILL

import pytest

from reconciler.sandbox.server import Sandbox
from tests.support import failpoints, fault_harness, killed_cli
from tests.support.fault_harness import FaultHarness, digest_of, digests, mixed_package

pytestmark = pytest.mark.fault

ROOT = Path(__file__).parents[2]
APPLY = ("apply", "plan.json", "--yes")
ALL = failpoints.failpoints()
FRESH = [point for point in ALL if "journal.torn" not in point]
"""Where any run may die; the others are passed only after one has died in the middle of a line."""

AGAIN = [point for point in ALL if any(name in point for name in ("journal", "append", "version"))]
"""Where the run that recovers is killed too."""

FIRST_DEATH = "write journal.jsonl:torn:3"
"""The outcome of one component, half written: intents before it are answered, others are not."""


@dataclass(frozen=True)
class Yard:
    """What all failpoints share: the sandbox, one plan, and how runs go that nobody disturbs."""

    sandbox: Sandbox
    moment: datetime
    original: FaultHarness
    planned: Mapping[str, int]
    folders: Iterator[Path]
    passed: list[str] = field(default_factory=list)
    """The boundaries that a run passes which nobody disturbs, in order."""

    recovering: Counter[str] = field(default_factory=Counter)
    """How often a run passes each that comes after one that was killed."""

    @property
    def fresh(self) -> Counter[str]:
        """How often the undisturbed run passed each boundary."""
        return Counter(self.passed)

    def rig(self) -> FaultHarness:
        """Set up the same package and the same plan once more."""
        made = FaultHarness.at(self.sandbox, mixed_package(self.moment), next(self.folders))
        shutil.copy(self.original.folder / "plan.json", made.folder)
        shutil.copytree(self.original.folder / "cache", made.folder / "cache")
        return made


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """Draw a plan, and apply it once undisturbed, and once after a kill."""
    folders = (tmp_path_factory.mktemp(f"rig-{number}") for number in count())
    moment = fault_harness.now()
    with fault_harness.sandbox() as sandbox:
        original = FaultHarness.at(sandbox, mixed_package(moment), next(folders))
        assert original.reconciler("plan", "--out", "plan.json").code == 0
        made = Yard(sandbox, moment, original, original.planned, folders)
        made.passed.extend(traced(original))
        killed = made.rig()
        assert killed.reconciler(*APPLY, at=FIRST_DEATH).code == -SIGKILL
        made.recovering.update(traced(killed))
        yield made


def traced(rig: FaultHarness) -> Sequence[str]:
    """Apply the plan; return every boundary that was passed."""
    trace = rig.folder / "passages"
    ended = rig.reconciler.start(*APPLY, more={killed_cli.TRACE: str(trace)}).wait()
    assert ended.code == 0, ended
    return [line.partition(" ")[2] for line in trace.read_text().splitlines()]


def passages(failpoint: str, passed: int) -> Sequence[int]:
    """Choose the first, the middle and the last passage; every one of a deletion."""
    if failpoint.startswith("HTTP DELETE"):
        return range(1, passed + 1)
    return sorted({1, (passed + 1) // 2, passed})


def kill(rig: FaultHarness, at: str, planned: Mapping[str, int]) -> None:
    """Kill an apply, and hold what it leaves to what must hold at any moment."""
    killed = rig.reconciler(*APPLY, at=at)

    assert killed.code == -SIGKILL, killed
    assert rig.deleted <= set(digests(rig.records, "intent"))
    assert rig.broken_tags == []
    assert rig.bereaved.keys() <= planned.keys()


def check_finished(rig: FaultHarness, yard: Yard) -> None:
    """Run to the end and once more, and hold the outcome to that of an undisturbed run."""
    finished = rig.reconciler(*APPLY)
    journal = rig.journal.read_bytes()
    sent = len(rig.sandbox.requests)
    again = rig.reconciler("apply", "--yes")
    verified = rig.reconciler("log", "verify")

    assert (finished.code, again.code, verified.code) == (0, 0, 0), (finished, again, verified)
    assert rig.standing == yard.original.standing
    assert (rig.broken_tags, rig.bereaved) == ([], {})
    check_recorded(rig, yard.planned)
    assert rig.journal.read_bytes() == journal
    assert {seen.method for seen in rig.sandbox.requests[sent:]} == {"GET"}
    assert rig.state.of(rig.repository).observations().digests.keys() == rig.standing.keys()


def check_recorded(rig: FaultHarness, planned: Mapping[str, int]) -> None:
    """Every deletion was planned, meant beforehand, sent for what was there, and has an outcome."""
    assert {version for version, _ in rig.deletions} <= set(planned.values())
    # What is gone answers 404, so nothing was sent blindly a second time.
    assert {status for _, status in rig.deletions} == {204, 400}
    pending: set[str] = set()
    meant: set[str] = set()
    for record in rig.records:
        if record["type"] == "intent":
            pending.add(digest_of(record))
            meant |= pending
        elif record["type"] in ("outcome", "resolve"):
            pending.discard(digest_of(record))
    assert pending == set()
    assert rig.deleted <= meant


def test_every_boundary_that_a_run_passes_is_a_failpoint_and_every_failpoint_is_passed(
    yard: Yard,
) -> None:
    assert yard.fresh.keys() == set(FRESH)
    assert yard.recovering.keys() - yard.fresh.keys() == set(ALL) - set(FRESH)


def test_what_is_said_to_be_no_failpoint_is_a_method_of_a_port() -> None:
    assert failpoints.UNREACHED.keys() <= {name for name, _, _ in failpoints.methods()}


def test_no_deletion_is_sent_before_the_disk_has_all_that_was_written(yard: Yard) -> None:
    pending = False
    for boundary in yard.passed:
        pending = boundary.startswith("write journal") or (
            pending and boundary != "fsync journal.jsonl:after"
        )
        assert not (pending and boundary == "HTTP DELETE:before")


def test_a_process_that_nobody_forked_dies_at_its_failpoint_too(yard: Yard) -> None:
    rig = yard.rig()
    command = [sys.executable, "-m", "tests.support.killed_cli", "HTTP DELETE:after:1", *APPLY]

    killed = subprocess.run(
        command,
        cwd=rig.folder,
        env={**rig.reconciler.environment, "PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert killed.returncode == -SIGKILL
    assert len(rig.deleted) == 1
    check_finished(rig, yard)


@pytest.mark.parametrize("failpoint", FRESH)
def test_killed_anywhere_the_next_run_finishes(yard: Yard, failpoint: str) -> None:
    for passage in passages(failpoint, yard.fresh[failpoint]):
        rig = yard.rig()

        kill(rig, f"{failpoint}:{passage}", yard.planned)

        check_finished(rig, yard)


@pytest.mark.parametrize("failpoint", AGAIN)
def test_killed_while_it_recovers_the_next_run_finishes(yard: Yard, failpoint: str) -> None:
    for passage in passages(failpoint, yard.recovering[failpoint]):
        rig = yard.rig()

        kill(rig, FIRST_DEATH, yard.planned)
        kill(rig, f"{failpoint}:{passage}", yard.planned)

        check_finished(rig, yard)
