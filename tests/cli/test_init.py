"""`reconciler init`: what it writes is right from the start, and it overwrites nothing."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.analysis.propose_rules import Family, family_of
from reconciler.errors import ExitCode
from reconciler.model.names import Tag
from reconciler.sandbox.faults import Answer, Fault
from reconciler.sandbox.generate import lifelike
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.support.cli import CommandLine
from tests.support.sandbox_commands import environment
from tests.support.workflows.linters import (
    actionlint_complaints,
    schema_complaints,
    zizmor_complaints,
)

FILES = (
    "policies/web.yaml",
    "policies/web.test.yaml",
    ".github/workflows/retention.yml",
    "reconciler.toml",
    ".gitignore",
)
NAME = "ghcr.io/acme/web"
ACTION = ("--action", f"acme/reconciler@{'0123456789' * 4}")


@pytest.fixture
def year(tmp_path: Path) -> Iterator[tuple[CommandLine, str]]:
    """Serve a package such as a year leaves behind; give the commands, and its name."""
    with Sandbox(SandboxSettings(limits=UNLIMITED), [lifelike(utc_now())]).serve() as sandbox:
        yield CommandLine(tmp_path, environment(sandbox, tmp_path)), f"{sandbox.host}/acme/web"


@pytest.fixture
def nowhere(tmp_path: Path) -> CommandLine:
    """Give the commands on a machine from which no registry can be read."""
    blocked = {"kind": "ghcr", "api": "http://127.0.0.1:9", "plain_http": True}
    variables = {
        "RECONCILER_CACHE": str(tmp_path / "cache"),
        "RECONCILER_REGISTRIES": json.dumps({"ghcr.io": blocked}),
        **dict.fromkeys(("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_REPOSITORY"), ""),
    }
    return CommandLine(tmp_path, variables)


def test_on_a_lifelike_package_the_policy_is_valid_tested_and_sane(
    year: tuple[CommandLine, str],
) -> None:
    reconciler, name = year

    written = reconciler("init", name, *ACTION)
    validated = reconciler("validate")
    tested = reconciler("test")
    stopped = reconciler("plan")
    planned = reconciler("plan", "--first", "--out", "plan.json", "--format", "json")

    assert (written.code, tuple(written.stdout.split())) == (0, FILES)
    assert "With this policy, " in written.stderr
    assert (validated.code, validated.stdout) == (0, "1 policies in 1 files are valid.\n")
    assert tested.code == 0
    assert tested.last_line.endswith(" passed, 0 failed")
    assert stopped.code == ExitCode.SAFETY_STOP
    assert "Next: reconciler plan --first --out plan.json  (" in written.stderr
    assert planned.code == 0
    (part,) = json.loads(planned.stdout)["repositories"]
    assert 200 < len(part["changes"]) < 900
    assert [guard["name"] for guard in part["guards"] if not guard["ok"]] == []
    gone = {Tag(tag) for change in part["changes"] for tag in change["observed"]["tags"]}
    assert {family_of(tag) for tag in gone} <= {Family.COMMIT, Family.PREVIEW, Family.CANDIDATE}
    assert part["unmatched"] == []


def test_without_a_registry_it_writes_what_is_usual_and_says_so(nowhere: CommandLine) -> None:
    ended = nowhere("init", NAME, *ACTION)

    assert (ended.code, tuple(ended.stdout.split())) == (0, FILES)
    assert f"{NAME} could not be read completely:" in ended.stderr
    policy = (nowhere.folder / FILES[0]).read_text()
    assert "so this policy covers the usual tags." in policy
    assert nowhere("validate").stdout == "1 policies in 1 files are valid.\n"
    assert nowhere("test").code == 0


def test_a_listing_that_breaks_off_is_not_believed(year: tuple[CommandLine, str]) -> None:
    reconciler, _ = year
    with Sandbox(SandboxSettings(limits=UNLIMITED), [lifelike(utc_now())]).serve() as broken:
        hole = Answer(status=200, body="[]", headers={"content-type": "application/json"})
        broken.add_faults(Fault(path="&page=2", times=None, answer=hole))
        variables = environment(broken, reconciler.folder)
        ended = reconciler("init", f"{broken.host}/acme/web", *ACTION, more=variables)

    assert ended.code == 0
    assert "could not be read" in ended.stderr
    assert "With this policy" not in (reconciler.folder / FILES[0]).read_text()


def test_files_go_where_they_are_wanted(nowhere: CommandLine) -> None:
    options = ("--policy-file", "retention/images.yaml", "--no-workflow")

    ended = nowhere("init", "--repository", NAME, "--repository", "ghcr.io/acme/t-*", *options)

    assert ended.stdout.split() == [
        "retention/images.yaml",
        "retention/images.test.yaml",
        "reconciler.toml",
        ".gitignore",
    ]
    (policy,) = yaml.safe_load((nowhere.folder / "retention/images.yaml").read_text())["policies"]
    assert policy["repositories"] == [NAME, "ghcr.io/acme/t-*"]
    assert not (nowhere.folder / ".github").exists()
    settings = (nowhere.folder / "reconciler.toml").read_text()
    assert settings.endswith('policies = ["retention"]\nstate = ".reconciler"\n')
    assert (nowhere.folder / ".gitignore").read_text() == ".reconciler/\n"
    assert nowhere("validate").code == 0


def test_nobody_is_asked_off_a_terminal_and_a_name_has_to_be_given(nowhere: CommandLine) -> None:
    nameless = nowhere("init")
    in_a_workflow = nowhere("init", "--no-workflow", more={"GITHUB_REPOSITORY": "Acme/Web"})

    assert (nameless.code, nameless.stdout) == (ExitCode.USAGE, "")
    assert "name a repository" in nameless.stderr
    assert in_a_workflow.code == 0
    assert f'repositories: ["{NAME}"]' in (nowhere.folder / FILES[0]).read_text()


def test_the_workflow_is_one_that_github_takes_and_no_linter_complains_about(
    nowhere: CommandLine,
) -> None:
    nowhere("init", NAME, *ACTION)

    path = nowhere.folder / FILES[2]
    assert schema_complaints("workflows", [path]) == ""
    assert zizmor_complaints([path]) == ""
    assert actionlint_complaints([path]) == []
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    plan, apply = workflow["jobs"]["plan"], workflow["jobs"]["apply"]
    assert "write" not in {plan["permissions"]["contents"], plan["permissions"]["packages"]}
    assert apply["permissions"] == {"contents": "write", "packages": "write"}
    assert apply["environment"] == "retention"
    assert [step["uses"] for step in apply["steps"]][1:] == [ACTION[1]]


def test_an_action_that_nobody_knows_has_to_be_named(nowhere: CommandLine) -> None:
    ended = nowhere("init", NAME)

    assert (ended.code, ended.stdout) == (ExitCode.USAGE, "")
    assert "does not know where its action is" in ended.stderr
    assert list(nowhere.folder.iterdir()) == []


def test_nothing_is_left_to_be_filled_in(nowhere: CommandLine) -> None:
    nowhere("init", NAME, *ACTION)

    for name in FILES:
        text = (nowhere.folder / name).read_text()
        assert [mark for mark in ("OWNER", "COMMIT_SHA", "[%", "[[") if mark in text] == []


def test_in_a_clone_of_github_the_settings_file_names_the_state_for_laptop_and_workflow(
    nowhere: CommandLine,
) -> None:
    git = ("git", "-C", str(nowhere.folder))
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "git@github.com:Acme/web.git"], check=True)
    (nowhere.folder / ".gitignore").write_text("dist")
    pinned = f"acme/reconciler@{'0123456789' * 4}"

    ended = nowhere("init", NAME, "--action", pinned)

    assert ended.code == 0
    settings = (nowhere.folder / "reconciler.toml").read_text()
    assert settings.endswith('state = "github://Acme/web/reconciler-state"\n')
    workflow = yaml.safe_load((nowhere.folder / FILES[2]).read_text())
    assert "env" not in workflow
    assert "reconciler.toml" in workflow[True]["push"]["paths"]
    assert (nowhere.folder / ".gitignore").read_text() == "dist\n.reconciler/\n"


def test_a_second_policy_leaves_the_settings_file_as_it_is(nowhere: CommandLine) -> None:
    (nowhere.folder / "reconciler.toml").write_text('policies = ["more"]\n')

    ended = nowhere("init", NAME, "--no-workflow")

    assert ended.stdout.split() == list(FILES[:2])
    assert "Next: reconciler test policies" in ended.stderr
    assert "Next: reconciler plan policies/web.yaml --out plan.json" in ended.stderr


def test_nothing_is_written_for_a_repository_that_does_not_exist(
    year: tuple[CommandLine, str],
) -> None:
    reconciler, name = year

    ended = reconciler("init", f"{name}-typo", "--no-workflow")

    assert (ended.code, ended.stdout) == (ExitCode.ACCESS, "")
    assert "404" in ended.stderr
    assert not (reconciler.folder / "policies").exists()
    assert not (reconciler.folder / "reconciler.toml").exists()


def test_the_test_of_the_policy_passes_with_ages_that_somebody_shortened(
    year: tuple[CommandLine, str],
) -> None:
    reconciler, name = year
    reconciler("init", name, "--no-workflow")
    policy = reconciler.folder / FILES[0]
    text = policy.read_text()
    for long, short in (("7d", "3d"), ("14d", "2d"), ("30d", "5d")):
        text = text.replace(f"within: {long}", f"within: {short}")
    policy.write_text(text)

    assert reconciler("test").code == 0


def test_what_to_do_next_is_for_people_alone(nowhere: CommandLine) -> None:
    quiet = nowhere("init", NAME, "--no-workflow", "--quiet")
    in_ci = nowhere("init", "ghcr.io/acme/api", "--no-workflow", more={"CI": "true"})

    assert (quiet.code, in_ci.code) == (0, 0)
    assert "Next" not in quiet.stderr + in_ci.stderr
