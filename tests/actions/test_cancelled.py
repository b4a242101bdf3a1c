"""A cancelled run: the runner's signal reaches the program, which ends what it has in hand."""

import os
import signal
import subprocess
from pathlib import Path

import yaml

from tests.actions.conftest import put_program
from tests.support.cli import SECONDS
from tests.support.cli_harness import served_package
from tests.support.workflows.files import read_commands
from tests.support.workflows.machine import ACTION


def test_a_cancelled_apply_stops_cleanly_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    put_program(tmp_path)
    *_, step = yaml.safe_load(ACTION.read_text(encoding="utf-8"))["runs"]["steps"]
    output = tmp_path / "output"
    variables = {"RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)}
    with served_package(tmp_path / "repository", latency=0.2) as web:
        environment = {**os.environ, **web.reconciler.environment, **variables}
        process = subprocess.Popen(
            ["bash", "-e", "-c", step["run"]],
            cwd=web.folder,
            env={**environment, "INPUT_COMMAND": "apply"},
            stdout=subprocess.DEVNULL,
        )
        web.await_calls(1, "DELETE")

        process.send_signal(signal.SIGINT)
        code = process.wait(SECONDS)

        assert code == 130
        assert read_commands(output.read_text())["failure-reason"] == "interrupted"
        assert 0 < web.calls("DELETE") < 7
        assert web.reconciler("log", "verify").code == 0
