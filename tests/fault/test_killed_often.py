"""A hundred deletions by runs that are killed again and again, and what undo makes of them."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from random import Random
from signal import SIGKILL

import pytest

from reconciler.sandbox.server import Sandbox
from tests.support.fault_harness import FaultHarness, now, package_of, sandbox
from tests.support.tripwire import held_up

pytestmark = pytest.mark.fault

KILLS = 10
BUILDS, SINGLES = 20, 40
DELETIONS = 4 * BUILDS + SINGLES
TABLE = "\n".join(
    [
        "40d web-amd64 image",
        "40d web index web-amd64 @ latest",
        "40d web-sig signature web",
        "39d release image @ v1",
        f"37d single*{SINGLES} image",
        *(
            f"""
            38d build{number}-amd64 image
            38d build{number}-arm64 image linux/arm64
            38d build{number} index build{number}-amd64 build{number}-arm64 @ pr-{number}
            38d build{number}-sig signature build{number}
            """
            for number in range(BUILDS)
        ),
    ]
)
"""Signed builds for two platforms and untagged images, all of which go; some stay."""


def signed_builds(serving: Sandbox, folder: Path, moment: datetime) -> FaultHarness:
    """Serve the package, with a plan to delete 120 versions."""
    folder.mkdir()
    package, _ = package_of(TABLE, moment)
    rig = FaultHarness.at(serving, package, folder)
    assert rig.reconciler("plan", "--out", "plan.json").code == 0
    assert len(rig.planned) == DELETIONS == 120
    return rig


def kill_often(rig: FaultHarness, random: Random, *command: str) -> None:
    """Kill a command at requests chosen by chance, at deletions and at any others in turn."""
    for method, most in (("DELETE", 12), ("", 40)) * (KILLS // 2):
        with held_up(rig.sandbox, random.randint(1, most), method) as held:
            running = rig.reconciler.start(*command)
            assert held.reached_by(running), running.wait()
            running.send(SIGKILL)
            assert running.wait().code == -SIGKILL
        assert rig.broken_tags == []
        assert rig.bereaved.keys() <= rig.planned.keys()


def deleting_runs(rig: FaultHarness) -> list[str]:
    """Return the runs that deleted something, the latest first."""
    ended = (record for record in rig.records if record["body"].get("result") == "deleted")
    return list(dict.fromkeys(record["body"].get("of", record["run"]) for record in ended))[::-1]


@pytest.fixture(scope="module")
def left_undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[str, ...]]:
    """Delete all of them in one run; return the digests that are left, with their tags."""
    with sandbox() as serving:
        rig = signed_builds(serving, tmp_path_factory.mktemp("undisturbed") / "work", now())
        assert rig.reconciler("apply", "plan.json", "--yes").code == 0
        return rig.standing


@pytest.mark.parametrize("plan", [("plan.json",), ()], ids=["one plan", "planned anew"])
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_ten_times_it_ends_where_an_undisturbed_run_ends_and_all_can_be_undone(
    tmp_path: Path,
    plan: tuple[str, ...],
    seed: int,
    left_undisturbed: Mapping[str, tuple[str, ...]],
) -> None:
    with sandbox() as serving:
        rig = signed_builds(serving, tmp_path / "killed", now())
        before = rig.standing

        kill_often(rig, Random(seed), "apply", *plan, "--yes")
        finished = rig.reconciler("apply", *plan, "--yes")

        assert finished.code == 0, finished
        assert rig.standing == left_undisturbed
        assert {status for _, status in rig.deletions} == {204}

        runs = deleting_runs(rig)
        assert len(runs) > KILLS // 2
        undone = [rig.reconciler("undo", run, "--yes") for run in runs]

        assert {ended.code for ended in undone} == {0}, undone
        assert rig.standing == before
        assert (rig.broken_tags, rig.bereaved) == ([], {})
