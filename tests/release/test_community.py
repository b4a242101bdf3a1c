"""Files that GitHub and pre-commit read of this repository."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.distribution import ROOT
from tests.support.workflows.linters import schema_complaints, zizmor_complaints

GITHUB = ROOT / ".github"
FORMS = [path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
BADGE = re.compile(r"\[!\[[^]]+\]\((?P<picture>[^)]+)\)\]\((?P<target>[^)]+)\)")


def test_forms_and_dependabot_fit_the_schemas_of_github() -> None:
    assert len(FORMS) == 2
    assert schema_complaints("issue-forms", FORMS) == ""
    assert schema_complaints("issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]) == ""
    assert schema_complaints("dependabot", [GITHUB / "dependabot.yml"]) == ""
    assert zizmor_complaints([GITHUB / "dependabot.yml"]) == ""


def test_labels_of_forms_are_those_that_every_repository_has() -> None:
    labels = {
        label
        for path in FORMS
        for label in yaml.safe_load(path.read_text(encoding="utf-8"))["labels"]
    }

    assert labels == {"bug", "enhancement"}


def test_badges_are_of_this_repository_and_of_workflows_that_exist() -> None:
    badges = BADGE.findall((ROOT / "README.md").read_text(encoding="utf-8"))

    assert len(badges) >= 2
    for picture, target in badges:
        workflow = re.search(r"/actions/workflows/([\w.-]+)", picture)
        assert not workflow or (GITHUB / "workflows" / workflow[1]).is_file()
        assert re.match(r"https://github\.com/[\w.-]+/[\w.-]+(/|$)", target)


def test_every_action_is_pinned_to_a_commit_with_its_version() -> None:
    files = [*GITHUB.rglob("*.yml"), ROOT / "action.yml", *ROOT.glob("reconciler/**/*.yml.j2")]
    used = [
        line
        for path in files
        for line in re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
        if not line.startswith(("./", "[["))
    ]

    assert len(used) > 15
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
    assert [line for line in used if not pinned.fullmatch(line)] == []


def test_one_action_has_one_version_everywhere() -> None:
    files = [*GITHUB.rglob("*.yml"), ROOT / "action.yml", *ROOT.glob("reconciler/**/*.yml.j2")]
    pins = {
        (name, pin)
        for path in files
        for name, pin in re.findall(
            r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40})", path.read_text(encoding="utf-8")
        )
    }

    assert len(dict(pins)) == len(pins)


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_hooks_accept_good_policies_and_refuse_bad_ones(
    hook: dict[str, str], tmp_path: Path
) -> None:
    program, *arguments = shlex.split(hook["entry"])
    command = [str(Path(sys.executable).parent / program), *arguments]
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    changed = [path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("policies/*.yaml")]

    good = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    (tmp_path / "policies" / "bad.yaml").write_text("version: 1\npolicies: nonsense\n")
    bad = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)

    assert all(re.search(hook["files"], path) for path in changed)
    assert not re.search(hook["files"], "README.md")
    assert (good.returncode, bad.returncode) == (0, 78)


def test_hooks_say_what_pre_commit_needs() -> None:
    assert [hook["id"] for hook in HOOKS] == ["reconciler-validate", "reconciler-test"]
    assert {hook["language"] for hook in HOOKS} == {"python"}
    # The policies are checked as a whole: one may not govern what another one does.
    assert {hook["pass_filenames"] for hook in HOOKS} == {False}
