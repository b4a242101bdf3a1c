"""The steps `check` and `diagnose` where they cannot report: the same outputs, and one note."""

from pathlib import Path

import pytest

from reconciler.action.inputs import Inputs
from reconciler.action.inspect import inspect
from reconciler.errors import ExitCode


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ((), "Invalid value for paths: name a repository"),
        (
            ("no repository",),
            (
                "Invalid value for REPOSITORY: 'no repository' is not a repository pattern such as"
                " ghcr.io/acme/* (host first, then a path in lower case; no https://, no tag)"
            ),
        ),
    ],
)
def test_a_diagnosis_without_a_repository_is_a_usage_error(
    paths: tuple[str, ...], message: str
) -> None:
    report = inspect(Inputs(command="diagnose", paths=paths))

    assert report.code is ExitCode.USAGE
    assert report.all_outputs == {"changes": "false", "failure-reason": "usage"}
    assert (report.text, report.summary) == (f"Error: {message}\n", "")
    assert [(note.level, note.problem.message) for note in report.notes] == [("error", message)]


def test_a_check_without_policies_names_the_command_that_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    report = inspect(Inputs(command="check"))

    assert report.code is ExitCode.BAD_POLICY
    assert report.text == (
        "Error: policies: there is no such file or directory\n"
        "Name existing policy files, or create policies/ with `reconciler init`.\n"
    )
