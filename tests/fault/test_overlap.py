"""Eight runs at once, on every state backend: they never delete at the same time.

As in the races of two, that is not taken from any lock: each process writes down when it sends a
DELETE and when it is answered, and the order of these lines is the kernel's.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import pytest

from reconciler.sandbox.faults import Fault
from reconciler.sandbox.server import Sandbox
from tests.support.backends import BACKENDS
from tests.support.cli import Running
from tests.support.fault_harness import FaultHarness, now, package_of, sandbox
from tests.support.killable_cli import gate
from tests.support.killed_cli import TRACE
from tests.support.state_servers import state_servers

__all__ = ["state_servers"]

pytestmark = [pytest.mark.fault, pytest.mark.parametrize("backend", BACKENDS)]

RUNS = 8
SAVED = ("apply", "plan.json", "--yes")
PLANNING = ("apply", "--yes")
TABLE = """
    40d  web        image       @ latest
    40d  old-amd64  image
    40d  old        index old-amd64
    39d  single*3   image
"""
SLOW = Fault(method="DELETE", times=None, delay=0.05)
"""Gives the others time to come in between."""


@pytest.fixture
def github() -> Iterator[Sandbox]:
    """Serve packages, and the repository of the branch, with slow deletions."""
    with sandbox() as serving:
        serving.add_faults(SLOW)
        yield serving


def packaged(github: Sandbox, folder: Path, name: str = "web") -> FaultHarness:
    """Set up a package with five versions that are to go."""
    folder.mkdir()
    return FaultHarness.at(github, package_of(TABLE, now(), name)[0], folder)


def started(
    rigs: list[FaultHarness], apply: tuple[str, ...], state: str, environment: Mapping[str, str]
) -> list[Running]:
    """Start an apply for each, all at the same moment."""
    together = gate(len(rigs))
    more = {**environment, TRACE: str(rigs[0].folder / "passages")}
    more["GITHUB_API_URL"] = rigs[0].sandbox.url
    return [
        rig.reconciler.start(*apply, "--state", state, more=more, gate=together) for rig in rigs
    ]


def turns(rig: FaultHarness) -> list[str]:
    """Return which process sent or was answered a DELETE, in order, each turn once."""
    lines = (rig.folder / "passages").read_text().splitlines()
    sent = (line.partition(" ") for line in lines)
    return [
        pid for pid, _ in groupby(pid for pid, _, what in sent if what.startswith("HTTP DELETE"))
    ]


def test_eight_runs_on_one_repository_never_delete_in_between_and_nothing_twice(
    backend: str, tmp_path: Path, github: Sandbox, state_servers: Mapping[str, str]
) -> None:
    rig = packaged(github, tmp_path / "web")
    assert rig.reconciler("plan", "--out", "plan.json").code == 0
    state = BACKENDS[backend].address(tmp_path / "state")

    ended = [run.wait() for run in started([rig] * RUNS, SAVED, state, state_servers)]

    assert {end.code for end in ended} <= {0, 5}, ended
    assert 0 in {end.code for end in ended}
    assert len(turns(rig)) == len(set(turns(rig)))
    assert sorted(rig.deletions) == sorted((one, 204) for one in rig.planned.values())


def test_eight_runs_on_eight_repositories_do_not_wait_for_each_other(
    backend: str, tmp_path: Path, github: Sandbox, state_servers: Mapping[str, str]
) -> None:
    rigs = [packaged(github, tmp_path / f"web{n}", f"web{n}") for n in range(RUNS)]
    state = BACKENDS[backend].address(tmp_path / "state")
    github.forget_requests()

    ended = [run.wait() for run in started(rigs, PLANNING, state, state_servers)]

    assert {end.code for end in ended} == {0}, ended
    assert len(turns(rigs[0])) > len(set(turns(rigs[0]))) == RUNS
    deletions = [seen.target for seen in github.requests if seen.method == "DELETE"]
    assert len(deletions) == len(set(deletions)) == 5 * RUNS
    assert all(len(rig.standing) == 1 for rig in rigs)
