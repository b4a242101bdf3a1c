"""`reconciler lock`: who holds locks; and a run that was paused deletes nothing once it wakes."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.model.journal import open_intents, open_runs
from reconciler.state.local import LocalState
from tests.support.cli import Running
from tests.support.cli_harness import CliHarness, served_package
from tests.support.tripwire import held_up

APPLY = ("apply", "--yes")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[CliHarness]:
    """Serve a package with seven versions to delete."""
    with served_package(tmp_path) as served:
        yield served


@contextmanager
def paused(web: CliHarness) -> Iterator[Running]:
    """Start an apply and stop it while it waits for the answer to its first deletion.

    Stopped anywhere else it might have made its last check already, and the one deletion that no
    client can call back would follow when it wakes.
    """
    with (
        held_up(web.sandbox, 1, "DELETE") as held,
        web.reconciler.running(*APPLY) as command,
    ):
        assert held.reached_by(command)
        command.pause()
        held.let_go()
        yield command


def _holder(web: CliHarness) -> dict[str, object]:
    (one,) = json.loads(web.reconciler("lock", "status", "--format", "json").stdout)
    assert one["repository"] == web.repository
    holder: dict[str, object] = one["holder"]
    return holder


def test_without_a_state_there_is_no_lock(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        status = web.reconciler("lock", "status")

    assert (status.code, status.stdout) == (0, "No repository has a state yet.\n")


def test_a_run_at_work_is_named_with_its_process_and_is_free_afterwards(web: CliHarness) -> None:
    with paused(web) as command:
        during, spoken = _holder(web), web.reconciler("lock", "status").stdout
        command.resume()
        command.wait()
    after = web.reconciler("lock", "status")

    assert (during["process"], during["where"]) == (command.pid, socket.gethostname())
    assert spoken.startswith(f"{web.repository}\n  held by run {during['run']} since ")
    assert f"process {command.pid}" in " ".join(spoken.split())
    assert after.stdout == f"{web.repository}  free\n"


def test_a_killed_run_leaves_nothing_to_break(web: CliHarness) -> None:
    with paused(web) as command:
        run = str(_holder(web)["run"])
        command.kill()

    broken = web.reconciler("lock", "break", "--id", run)

    assert broken.code == 0
    assert broken.stdout.startswith("No lock is held. A lock ends with its process")


def test_a_lock_is_not_broken_without_the_id_of_its_run(web: CliHarness) -> None:
    with paused(web) as command:
        nameless = web.reconciler("lock", "break")
        wrong = web.reconciler("lock", "break", "--id", "20260101T000000Z-00000000")
        run = _holder(web)["run"]
        command.resume()
        ended = command.wait()

    assert nameless.code == ExitCode.USAGE
    assert "Missing option '--id'" in nameless.stderr
    assert wrong.code == ExitCode.LOCKED
    assert f"locks are held by {run}" in wrong.stderr
    assert ended.last_line.startswith("Apply: 7 deleted")


def test_a_paused_run_deletes_nothing_once_its_lock_was_broken(web: CliHarness) -> None:
    with paused(web) as command:
        run = _holder(web)["run"]
        refused = web.reconciler(*APPLY)
        broken = web.reconciler("lock", "break", "--id", str(run))
        applied = web.reconciler(*APPLY)
        sent = web.calls("DELETE")
        command.resume()
        woken = command.wait()

    assert refused.code == ExitCode.LOCKED
    assert broken.code == 0
    assert f"the lock of run {run} is broken" in " ".join(broken.stdout.split())
    assert f"To end it now: kill {command.pid}" in broken.stdout
    assert applied.code == 0
    assert set(web.tags) == {"latest"}
    assert woken.code == ExitCode.LOCKED
    assert "the lock of this run was broken or removed" in " ".join(woken.stdout.split())
    assert web.calls("DELETE") == sent


def test_the_log_tells_of_the_break_and_stays_whole(web: CliHarness) -> None:
    with paused(web) as command:
        run = str(_holder(web)["run"])
        web.reconciler("lock", "break", "--id", run)
        command.resume()
        command.wait()
    web.reconciler(*APPLY)

    records = LocalState(web.folder / ".reconciler").of(web.repository).records()
    (broken,) = [record for record in records if record.type == "lock_break"]
    assert (broken.body["of"], broken.body["process"]) == (run, command.pid)
    assert str(broken.body["who"]).endswith(f"@{socket.gethostname()}")
    assert web.reconciler("log", "verify").code == 0
    assert open_intents(records) == {}
    assert open_runs(records) == []
    assert set(web.tags) == {"latest"}


def test_a_run_that_wakes_up_leaves_the_lock_of_the_next_one_alone(web: CliHarness) -> None:
    with paused(web) as hung:
        web.reconciler("lock", "break", "--id", str(_holder(web)["run"]))
        with paused(web) as after:
            hung.resume()
            hung.wait()
            named = _holder(web)
            after.resume()
            ended = after.wait()

    assert named["process"] == after.pid
    assert ended.code == 0
