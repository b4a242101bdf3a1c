"""The page about the library tells the truth: its program is run as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import SECONDS
from tests.support.cli_harness import CliHarness, served_package

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
PROGRAM = re.compile(r"```python\n(.*?)```", re.DOTALL)


def played(web: CliHarness) -> "subprocess.CompletedProcess[str]":
    """Run the program of the page where the policies are."""
    (program,) = PROGRAM.findall(PAGE.read_text(encoding="utf-8"))
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=web.folder,
        env={**os.environ, **web.reconciler.environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_the_program_of_the_page_plans_saves_and_deletes(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        done = played(web)
        run = web.run
        shown = web.reconciler("show", "plan.json")

    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.splitlines()[0] == "Policies: web"
    assert done.stdout.splitlines()[-1] == f"{web.repository} deleted 7 in run {run}"
    assert f"{web.repository} pr-8 - previews: age 39d vs within 7d" in done.stdout
    assert set(web.tags) == {"latest"}
    assert shown.last_line == "Plan: 7 to delete, 1 protected, 1 to keep, 0 incomplete."


@pytest.mark.parametrize("name", ["plan", "apply", "load_policies"])
def test_the_page_speaks_of_every_function(name: str) -> None:
    assert f"`reconciler.{name}(" in PAGE.read_text(encoding="utf-8")
