"""`reconciler init`: what it writes is right from the start, and it overwrites nothing."""

import json
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

FILES = ("policies/web.yaml", "policies/web.test.yaml", ".github/workflows/retention.yml")
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
    planned = reconciler("plan", "--format", "json")

    assert (written.code, tuple(written.stdout.split())) == (0, FILES)
    assert "With this policy, " in written.stderr
    assert (validated.code, validated.stdout) == (0, "1 policies in 1 files are valid.\n")
    assert tested.code == 0
    assert tested.last_line.endswith(" passed, 0 failed")
    assert planned.code == 0
    (part,) = json.loads(planned.stdout)["repositories"]
    assert 20 < len(part["changes"]) < 500
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

    assert ended.stdout.split() == ["retention/images.yaml", "retention/images.test.yaml"]
    (policy,) = yaml.safe_load((nowhere.folder / "retention/images.yaml").read_text())["policies"]
    assert policy["repositories"] == [NAME, "ghcr.io/acme/t-*"]
    assert not (nowhere.folder / ".github").exists()


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
