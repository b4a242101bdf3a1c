"""docs/sandbox.md: every command in it runs, and every document in it is one."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from reconciler.sandbox.faults import Fault, Operation
from reconciler.sandbox.generate import builds
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from reconciler.settings import Settings as OurSettings
from tests.support.cli import SECONDS
from tests.support.programs import program
from tests.support.sandbox_commands import environment

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
BLOCK = re.compile(r"<!-- (\w+) -->\n```\w+\n(.*?)```", re.DOTALL)
POLICY = """
version: 1
policies:
  - name: web
    repositories: ["ghcr.io/acme/web"]
    rules:
      - {name: commits, match: {tags: ["sha-*"]}, keep: {last: 5}}
      - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
    guards: {max_delete_percent: 100}
"""


def blocks(kind: str) -> list[str]:
    """Return the blocks of a kind that the page shows."""
    return [text for name, text in BLOCK.findall(PAGE) if name == kind]


@pytest.mark.parametrize("text", blocks("settings"))
def test_settings_are_settings_of_a_sandbox(text: str) -> None:
    assert SandboxSettings.model_validate_json(text) != SandboxSettings()


def test_the_registries_are_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = blocks("registries")
    monkeypatch.setenv("RECONCILER_REGISTRIES", text)

    told = OurSettings.load().registry_for("127.0.0.1:8181")

    assert (told.kind, told.points_per_minute) == ("ghcr", 60_000)


def test_faults_and_operations_are_what_the_sandbox_takes() -> None:
    (faults,), (operations,) = blocks("faults"), blocks("operations")

    assert len(TypeAdapter(tuple[Fault, ...]).validate_json(faults)) == 3
    assert len(TypeAdapter(tuple[Operation, ...]).validate_json(operations)) == 7


@pytest.fixture
def origin() -> Iterator[Sandbox]:
    """Serve what stands for the reader's registry."""
    package = builds(12, now=utc_now(), tagged_every=2)
    with Sandbox(SandboxSettings(limits=UNLIMITED), [package]).serve() as sandbox:
        yield sandbox


def test_the_rehearsal_runs_as_it_is_written(origin: Sandbox, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "web.yaml").write_text(POLICY)
    (tmp_path / "faults.json").write_text(blocks("faults")[0])
    kinds = ("copy", "serve", "rehearse", "after", "steer")
    steps = "\n".join(text for kind in kinds for text in blocks(kind))
    script = 'set -e\nreconciler() { "$PYTHON" -m reconciler "$@"; }\n' + steps.replace(
        "8181", port
    ).replace("snapshot ghcr.io", f"snapshot {origin.host}")
    program("curl")
    before = origin.state()

    output = _run(script, tmp_path, dict(environment(origin, tmp_path)))

    assert "Plan: 30 to delete" in output
    assert "Apply: 30 deleted" in output
    assert "Undo: 30 restored" in output
    after = json.loads((tmp_path / "after.json").read_text())
    assert len(after["packages"][0]["versions"]) == 60
    assert after["packages"][0]["owner"] == "acme"
    assert _tags(origin.state()) == _tags(before)


def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a script and, when it is done, end whatever it left running."""
    log = folder / "output.txt"
    with log.open("wb") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env={**os.environ, **environment, "PYTHON": sys.executable},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = shell.wait(timeout=SECONDS)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
    assert code == 0, log.read_text()
    return log.read_text()


def _tags(state: dict[str, list[dict[str, object]]]) -> list[object]:
    return [package["tags"] for package in state["packages"]]
