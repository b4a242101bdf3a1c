"""Every command says what to do next, and what it says works as it is typed."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Ended
from tests.support.cli_harness import CliHarness, served_package


@pytest.fixture
def web(tmp_path: Path) -> Iterator[CliHarness]:
    """Serve a package with a policy."""
    with served_package(tmp_path) as harness:
        yield harness


def hint(ended: Ended) -> list[str]:
    """Return the arguments of the command that is suggested last."""
    line = ended.stderr.splitlines()[-1]
    assert line.startswith("Next: reconciler "), ended.stderr
    return shlex.split(line.removeprefix("Next: reconciler ").partition("  (")[0])


def test_from_the_diagnosis_to_the_undo_each_hint_is_the_next_command(web: CliHarness) -> None:
    state = "a state"
    diagnosed = web.reconciler("diagnose", str(web.repository), "--state", state)
    planned = web.reconciler(*hint(diagnosed))
    saved = web.reconciler(*hint(planned))
    applied = web.reconciler(*hint(saved), "--yes")
    read = web.reconciler(*hint(applied))
    (undo,) = (line for line in applied.stdout.splitlines() if "reconciler undo" in line)

    undone = web.reconciler(*shlex.split(undo.partition("reconciler ")[2]), "--yes")
    released = web.reconciler(*hint(undone))

    every = (diagnosed, planned, saved, applied, read, undone, released)
    assert [ended.code for ended in every] == [0] * 7
    assert set(web.tags) == set(web.pushed.tags)
    assert "Released" in released.stdout


def test_without_a_policy_the_diagnosis_leads_to_the_first_one(web: CliHarness) -> None:
    (web.folder / "policies").rename(web.folder / "elsewhere")

    diagnosed = web.reconciler("diagnose", str(web.repository))

    assert hint(diagnosed) == ["init", str(web.repository)]


def test_a_run_that_was_cut_short_names_the_command_that_goes_on(web: CliHarness) -> None:
    web.reconciler("plan", "--out", "the plan.json")
    cut = web.reconciler("apply", "the plan.json", "--yes", "--max-deletes", "1")

    assert hint(cut) == ["apply", "the plan.json", "--max-deletes", "1"]
    assert "Versions: 7 planned, " in cut.stdout
    while "left for the next run" in cut.stdout:
        cut = web.reconciler(*hint(cut), "--yes")
    assert set(web.tags) == {"latest"}


def test_in_ci_nothing_of_it_is_printed(web: CliHarness) -> None:
    variables = {"GITHUB_ACTIONS": "true"}
    every = [
        web.reconciler("diagnose", str(web.repository), more=variables),
        web.reconciler("plan", "--out", "plan.json", more=variables),
        web.reconciler("apply", "plan.json", "--yes", more=variables),
        web.reconciler("undo", "--last", "--yes", more=variables),
    ]

    assert [ended.code for ended in every] == [0] * 4
    assert not any("Next: " in ended.stderr for ended in every)
