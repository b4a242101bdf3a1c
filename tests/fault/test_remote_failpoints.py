"""A run killed at every boundary with its state on a server, and run again: nothing is lost.

By default at one passage of the boundaries that matter most; `pytest -m bench` takes all of them,
each at its first, middle and last passage.
"""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from signal import SIGKILL

import pytest

from reconciler.model.journal import Record, open_intents, open_runs
from reconciler.model.ports import State
from reconciler.sandbox.server import Sandbox
from tests.support import fault_harness
from tests.support.backends import BACKENDS
from tests.support.fault_harness import FaultHarness, mixed_package
from tests.support.killable_cli import KillableCommandLine
from tests.support.killed_cli import BACKEND, TRACE
from tests.support.remote_failpoints import STATES, remote_failpoints
from tests.support.state_servers import state_servers
from tests.support.states import holder_left

__all__ = ["state_servers"]

pytestmark = pytest.mark.fault

APPLY = ("apply", "plan.json", "--yes")
CHOSEN = (
    ("s3", "write create:before"),
    ("s3", "write create:after"),
    ("s3", "write replace:after"),
    ("s3", "HTTP DELETE:after"),
    ("postgresql", "write insert:before"),
    ("postgresql", "write insert:after"),
    ("postgresql", "HTTP DELETE:after"),
)
ALL = tuple((backend, point) for backend in STATES for point in remote_failpoints(backend))


@dataclass
class Yard:
    """What all failpoints share: the sandbox, one plan, and how a run goes that nobody disturbs."""

    sandbox: Sandbox
    moment: datetime
    original: FaultHarness
    servers: Mapping[str, str]
    folders: Iterator[Path]
    passed: dict[str, Counter[str]] = field(default_factory=dict)
    standing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def rig(self, backend: str) -> tuple[FaultHarness, State]:
        """Set up the same package and the same plan once more, with a state that is empty."""
        folder = next(self.folders)
        made = FaultHarness.at(self.sandbox, mixed_package(self.moment), folder)
        shutil.copy(self.original.folder / "plan.json", folder)
        shutil.copytree(self.original.folder / "cache", folder / "cache")
        place = folder / "state"
        more = {BACKEND: backend, "RECONCILER_STATE": BACKENDS[backend].address(place)}
        made.reconciler = KillableCommandLine(
            folder, {**made.reconciler.environment, **self.servers, **more}
        )
        return made, BACKENDS[backend].open(place)

    def passages(self, backend: str) -> Counter[str]:
        """Count how often a run that nobody disturbs passes each boundary."""
        if backend not in self.passed:
            made, _ = self.rig(backend)
            trace = made.folder / "passages"
            ended = made.reconciler.start(*APPLY, more={TRACE: str(trace)}).wait()
            assert ended.code == 0, ended
            lines = trace.read_text().splitlines()
            self.passed[backend] = Counter(line.partition(" ")[2] for line in lines)
            self.standing = made.standing
        return self.passed[backend]


@pytest.fixture(scope="module")
def yard(
    tmp_path_factory: pytest.TempPathFactory, state_servers: Mapping[str, str]
) -> Iterator[Yard]:
    """Draw a plan."""
    folders = (tmp_path_factory.mktemp(f"rig-{number}") for number in count())
    moment = fault_harness.now()
    with fault_harness.sandbox() as sandbox:
        original = FaultHarness.at(sandbox, mixed_package(moment), next(folders))
        assert original.reconciler("plan", "--out", "plan.json").code == 0
        yield Yard(sandbox, moment, original, state_servers, folders)


def killed_and_finished(yard: Yard, backend: str, at: str) -> None:
    """Kill an apply, run it to the end and once more, and hold it to what must hold."""
    made, state = yard.rig(backend)

    killed = made.reconciler(*APPLY, at=at)
    if not BACKENDS[backend].lapses:
        assert holder_left(state.of(made.repository)) is None
    meant = {str(record.body["digest"]) for record in _records(state, made, "intent")}
    deleted, broken = made.deleted, made.broken_tags
    finished = made.reconciler(*APPLY)
    sent = len(made.deletions)
    again = made.reconciler("apply", "--yes")
    verified = made.reconciler("log", "verify")

    assert killed.code == -SIGKILL, killed
    assert deleted <= meant
    assert broken == made.broken_tags == []
    assert (finished.code, again.code, verified.code) == (0, 0, 0), (finished, again, verified)
    assert made.standing == yard.standing
    assert len(made.deletions) == sent
    records = state.of(made.repository).records()
    assert (open_intents(records), open_runs(records)) == ({}, [])


def _records(state: State, made: FaultHarness, kind: str) -> list[Record]:
    return [record for record in state.of(made.repository).records() if record.type == kind]


@pytest.mark.parametrize(("backend", "failpoint"), CHOSEN)
def test_killed_where_it_matters_most_the_next_run_finishes(
    yard: Yard, backend: str, failpoint: str
) -> None:
    passed = yard.passages(backend)[failpoint]

    killed_and_finished(yard, backend, f"{failpoint}:{(passed + 1) // 2}")


@pytest.mark.bench
@pytest.mark.parametrize(("backend", "failpoint"), ALL)
def test_killed_anywhere_the_next_run_finishes(yard: Yard, backend: str, failpoint: str) -> None:
    passed = yard.passages(backend)[failpoint]

    assert passed
    for passage in sorted({1, (passed + 1) // 2, passed}):
        killed_and_finished(yard, backend, f"{failpoint}:{passage}")
