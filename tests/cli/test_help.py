"""`--help` is quick, names every command, and fits the terminal."""

import subprocess
import sys

import pytest

from reconciler.__main__ import COMMANDS, run

HEAVY = {"deepdiff", "httpx", "jinja2", "pydantic", "structlog", "yaml"}
LOADED = """
import sys
from reconciler.__main__ import run
run(["--help"])
print(*sys.modules, file=sys.stderr)
"""


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at it on a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")


def test_help_names_every_command_and_loads_none() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60
    )

    assert all(name in done.stdout for name in COMMANDS)
    assert not HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_in_80_columns_what_it_does(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code = run([name, "--help"])

    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    assert f"Usage: reconciler {name}" in lines[1]
    assert max(map(len, lines)) <= 80


def test_the_terminal_breaks_the_lines_of_a_paragraph(capsys: pytest.CaptureFixture[str]) -> None:
    run(["undo", "--help"])

    told = capsys.readouterr().out
    assert (
        " A tag that another image has now is not moved back. Restored images are held:  \n"
        " no plan deletes them until they are released with --release."
    ) in told
