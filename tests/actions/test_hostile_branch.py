"""A pull request whose branch would have a step run its own programs, or say things in its name."""

import subprocess
from pathlib import Path

from tests.actions.conftest import Actions
from tests.actions.test_retention import pull_request
from tests.support.bare_folder import turn_into_repository

WHO = ("-c", "user.name=A", "-c", "user.email=a@example.com")


def test_a_branch_that_turns_its_policies_into_a_repository_runs_nothing(
    actions: Actions, tmp_path: Path
) -> None:
    clone, ran = actions.web.folder, tmp_path / "ran"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=clone, check=True)
    subprocess.run(["git", "add", "policies"], cwd=clone, check=True)
    subprocess.run(["git", *WHO, "commit", "--quiet", "--message", "A"], cwd=clone, check=True)
    head = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(head, cwd=clone, check=True, capture_output=True, text=True)
    base = commit.stdout.strip()
    turn_into_repository(clone / "policies", clone, base, ran)

    job = actions.step({}, pull_request(base=base))

    assert not ran.exists()
    assert job.outcome == "success"
    assert "Compared with main on the same inventory" in job.step("Reconcile").log


def test_policies_of_a_branch_give_the_runner_no_command(actions: Actions) -> None:
    policy = actions.web.folder / "policies" / "policy.yaml"
    policy.write_text('version: 1\n"##[add-mask]main": 1\n"::stop-commands::x": 2\n')

    job = actions.step({})

    lines = job.step("Reconcile").log.splitlines()
    assert lines[0].startswith("::stop-commands::")
    assert not any("##[" in line for line in lines)
    commands = {line.lstrip().partition(" ")[0] for line in lines if line.lstrip()[:2] == "::"}
    meant = {word for word in commands if not word.startswith("::stop-commands::")}
    assert meant == {"::error", f"::{lines[0].removeprefix('::stop-commands::')}::"}
    assert "[add-mask]" in job.step("Reconcile").log


def test_what_was_read_is_kept_for_others_only_where_that_is_asked_for(actions: Actions) -> None:
    keep = "Restore and save the manifest cache"

    assert actions.step({}).step(keep).outcome == "skipped"
    assert actions.step({"cache": "true"}).step(keep).outcome == "success"
