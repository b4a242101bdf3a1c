"""`reconciler test`: exit codes, both streams, and the file for CI."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from reconciler.commands.test import app
from reconciler.errors import ExitCode
from tests.support.policies import GOOD

SOUND = """\
policy: web
now: 2026-03-02T12:00:00Z
images: [{tags: [sha-1], age: 9d, expect: keep, by: builds}]
"""


@pytest.fixture(autouse=True)
def policies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder whose `policies/` hold one policy with a test that passes."""
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "web.yaml").write_bytes(GOOD)
    (folder / "web.test.yaml").write_text(SOUND)
    monkeypatch.chdir(tmp_path)
    return folder


def run(*arguments: str) -> int:
    """Run the command in this process and return its exit code."""
    command = typer.main.get_command(app)
    return command.main(list(arguments), "reconciler test", standalone_mode=False) or 0


def test_all_tests_below_policies_are_run(capsys: pytest.CaptureFixture[str]) -> None:
    code = run()

    printed = capsys.readouterr()
    assert (code, printed.err[:21]) == (0, "Next: reconciler plan")
    assert printed.out == "policies/web.test.yaml .\n\n1 passed, 0 failed\n"


def test_a_failed_check_ends_with_one(policies: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (policies / "web.test.yaml").write_text(SOUND.replace("keep", "delete"))

    code = run("policies")

    printed = capsys.readouterr()
    assert (code, printed.err) == (1, "")
    assert printed.out == (
        "policies/web.test.yaml F\n"
        "\n"
        "policies/web.test.yaml:3: sha-1\n"
        "  expected delete by builds\n"
        "  it is kept: builds keeps it\n"
        "    the image itself is kept\n"
        "      builds: rank 1 of sha-* vs last 20\n"
        "\n"
        "0 passed, 1 failed\n"
    )


def test_one_test_may_be_named_and_printed_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run("policies/web.test.yaml", "--format", "json")

    assert code == 0
    assert json.loads(capsys.readouterr().out)["passed"] == 1


@pytest.mark.parametrize("expect", ["keep", "delete"])
def test_ci_gets_its_file_whether_or_not_a_check_fails(policies: Path, expect: str) -> None:
    (policies / "web.test.yaml").write_text(SOUND.replace("keep", expect))

    run("--junit", "results.xml")

    root = ET.fromstring(Path("results.xml").read_text(encoding="utf-8"))  # noqa: S314 - our own
    assert (root.get("tests"), root.get("failures")) == ("1", "0" if expect == "keep" else "1")


def test_a_test_that_cannot_be_read_says_where_and_runs_nothing(
    policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (policies / "a.test.yaml").write_text(SOUND.replace("builds", "bilds"))

    code = run()

    printed = capsys.readouterr()
    assert (code, printed.out) == (ExitCode.BAD_POLICY, "")
    problem, hint = printed.err.splitlines()
    assert problem.startswith("Error: policies/a.test.yaml:3:53: images[0].by: no rule, ")
    assert problem.endswith("is called 'bilds'; did you mean 'builds'?")
    assert hint == "Correct the test and run `reconciler test` again."


def test_a_rule_that_needs_a_time_the_test_does_not_give_names_the_test(
    policies: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (policies / "web.test.yaml").write_text(SOUND.replace("age:", "first_seen:"))

    code = run()

    assert code == ExitCode.BAD_POLICY
    assert capsys.readouterr().err.startswith("Error: policies/web.test.yaml: web/builds: ")


def test_a_results_file_that_cannot_be_written_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run("--junit", "nowhere/results.xml")

    assert code == ExitCode.BAD_POLICY
    assert "nowhere/results.xml: No such file or directory" in capsys.readouterr().err
