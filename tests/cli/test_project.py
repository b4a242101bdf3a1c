"""Commands in a folder below the policies: they find them, and the state beside them."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cli import CommandLine
from tests.support.cli_harness import CliHarness, served_package


@pytest.fixture
def below(tmp_path: Path) -> Iterator[tuple[CliHarness, CommandLine]]:
    """Serve a package; its policy is at the top of a clone, the commands run in a folder of it."""
    with served_package(tmp_path) as web:
        subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
        inner = tmp_path / "deploy"
        inner.mkdir()
        yield web, replace(web.reconciler, folder=inner)


def test_plan_and_apply_work_below_the_policies_with_one_state(
    below: tuple[CliHarness, CommandLine],
) -> None:
    web, reconciler = below

    planned = reconciler("plan", "--out", "plan.json")
    applied = reconciler("apply", "plan.json", "--yes")

    assert planned.code == 0
    assert applied.code == 0
    assert set(web.tags) == {"latest"}
    assert (web.folder / ".reconciler").is_dir()
    assert not (web.folder / "deploy" / ".reconciler").exists()
    assert "deleted" in web.reconciler("log", "list").stdout


def test_a_settings_file_names_them_once(below: tuple[CliHarness, CommandLine]) -> None:
    web, reconciler = below
    (web.folder / "policies").rename(web.folder / "retention")
    (web.folder / "reconciler.toml").write_text('policies = ["retention"]\nstate = "kept/state"\n')

    assert reconciler("validate").code == 0
    assert reconciler("apply", "--yes").code == 0
    assert (web.folder / "kept" / "state").is_dir()
    assert "deleted" in web.reconciler("log", "list").stdout


def test_a_mistake_in_it_is_a_sentence(below: tuple[CliHarness, CommandLine]) -> None:
    web, reconciler = below
    (web.folder / "reconciler.toml").write_text('stat = "kept"\n')

    ended = reconciler("plan")

    assert ended.code == 78
    assert "Error: ../reconciler.toml:1: 'stat' is not a key" in ended.stderr
    assert "Traceback" not in ended.stderr
