"""The step `validate`: policies are checked and their tests run, and nothing is contacted."""

from pathlib import Path

import pytest

from reconciler.action.inputs import Inputs
from reconciler.action.inspect import TESTS_FAILED, validate
from reconciler.action.plan import plan
from reconciler.action.runner import Runner
from reconciler.errors import ExitCode, PolicyError

POLICY = """\
version: 1
policies:
  - name: web
    repositories: [ghcr.io/acme/web]
    rules: [{name: all, match: {any: true}, keep: {all: true}}]
"""
TEST = """\
policy: web
now: '2026-01-31T12:00:00Z'
images: [{tags: [v1], pushed: 3d, expect: %s}]
"""


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inputs:
    """Have one policy, and inputs of a step that validates it."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "web.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    return Inputs(command="validate")


@pytest.mark.parametrize(
    ("expected", "code", "last"),
    [
        ("keep", ExitCode.OK, "1 passed, 0 failed"),
        ("delete", ExitCode.INTERNAL, "0 passed, 1 fail"),
    ],
)
def test_the_step_fails_with_a_test(
    inputs: Inputs, expected: str, code: ExitCode, last: str
) -> None:
    Path("policies/web.test.yaml").write_text(TEST % expected)

    report = validate(inputs)

    assert report.code is code
    assert last in report.text
    assert "1 policies in 1 files are valid." in report.text
    assert any(note.problem.message == TESTS_FAILED for note in report.notes) is bool(code)


def test_a_plan_of_a_pull_request_needs_tests_that_pass(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("policies/web.test.yaml").write_text(TEST % "delete")
    event = tmp_path / "event.json"
    event.write_text('{"pull_request": {"number": 7, "head": {}, "base": {}}}')
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))

    # Without a token or a registry: nothing is contacted.
    report = plan(inputs, Runner.load())

    assert report.code is ExitCode.INTERNAL
    assert any(note.problem.message == TESTS_FAILED for note in report.notes)


def test_policies_need_no_test(inputs: Inputs) -> None:
    report = validate(inputs)

    assert report.code is ExitCode.OK
    assert "There are no tests of policies." in report.text


def test_an_invalid_policy_ends_the_step(inputs: Inputs) -> None:
    Path("policies/web.yaml").write_text("version: 2\n")

    with pytest.raises(PolicyError):
        validate(inputs)
