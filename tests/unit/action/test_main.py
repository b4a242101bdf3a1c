"""What a step of a workflow is made of: files it writes, events it reads, notes it shows."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.action.inputs import Inputs
from reconciler.action.main import _write
from reconciler.action.runner import MAX_SUMMARY_BYTES, Runner, event_of, workflow_console
from reconciler.action.step import Note, StepReport, general_note, of_error
from reconciler.errors import AccessError, ExitCode, SettingsError
from reconciler.model.language import PolicyProblems, Problem
from tests.support.workflows.files import read_commands

HOSTILE = "::error::gotcha\nx<<EOF\n::add-mask::a\nEOF\nname=value"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Give a runner whose files are in a folder."""
    return Runner(GITHUB_OUTPUT=tmp_path / "output", GITHUB_STEP_SUMMARY=tmp_path / "summary")


def test_no_output_can_pass_for_another_one(runner: Runner, tmp_path: Path) -> None:
    runner.set_outputs({"first": HOSTILE, "second": ""})

    written = read_commands((tmp_path / "output").read_text())

    assert written == {"first": HOSTILE, "second": ""}


def test_a_summary_is_cut_between_lines_before_github_drops_it_whole(
    runner: Runner, tmp_path: Path
) -> None:
    runner.summarise("wörd\n" * 400_000)

    written = (tmp_path / "summary").read_bytes()

    assert MAX_SUMMARY_BYTES - 100 < len(written) < MAX_SUMMARY_BYTES + 100
    assert written.endswith(b"more lines\n")
    assert set(written.decode().splitlines()[:-2]) == {"wörd"}


def test_outside_of_a_workflow_nothing_is_written() -> None:
    Runner().set_outputs({"first": "1"})


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file or directory"):
        Runner(GITHUB_OUTPUT=tmp_path / "none" / "output").set_outputs({"first": "1"})


def test_no_text_is_taken_for_a_command_of_the_runner(
    runner: Runner, capsys: pytest.CaptureFixture[str]
) -> None:
    with workflow_console() as console:
        _write(StepReport(text=HOSTILE, notes=[general_note("warning", HOSTILE)]), runner, console)

    stop, resume, note, again, *text = capsys.readouterr().out.rstrip("\n").split("\n")
    assert stop.startswith("::stop-commands::")
    assert resume == f"::{stop.removeprefix('::stop-commands::')}::"
    assert note.startswith("::warning title=Reconciler::")
    assert again.startswith("::stop-commands::")
    assert again != stop
    assert "\n".join(text) == HOSTILE.replace("::error", ": :error").replace("::add", ": :add")


def test_ten_notes_of_each_level_are_shown() -> None:
    notes = [
        Note(level, Problem("p.yaml", n, 1, "web", "x"))
        for n in range(1, 15)
        for level in ("error", "warning")
    ]

    shown = "".join(StepReport(notes=notes).annotations()).splitlines()

    assert sum(line.startswith("::error ") for line in shown) == 10
    assert sum(line.startswith("::warning ") for line in shown) == 10


def test_an_error_says_on_the_page_what_to_do_next() -> None:
    report = of_error(AccessError("GitHub refuses to read", hint="Give the job `packages: read`."))

    assert report.code is ExitCode.ACCESS
    assert report.all_outputs == {"failure-reason": "access"}
    assert "Give the job 'packages: read'." in report.summary
    assert "%0AGive the job" in "".join(report.annotations())


def test_problems_of_policies_keep_their_lines() -> None:
    report = of_error(PolicyProblems([Problem("policies/web.yaml", 3, 5, "web", "no such key")]))

    (note,) = "".join(report.annotations()).splitlines()
    assert note == "::error file=policies/web.yaml,title=web,line=3,col=5::no such key"


@pytest.mark.parametrize(
    ("head", "fork"),
    [({"full_name": "acme/web"}, False), ({"full_name": "stranger/web"}, True), (None, True)],
)
def test_a_fork_is_told_from_a_branch(
    tmp_path: Path, head: dict[str, str] | None, *, fork: bool
) -> None:
    sides = {"head": {"repo": head}, "base": {"repo": {"full_name": "acme/web"}}}
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 7, **sides}}))

    request = event_of(tmp_path / "event.json").pull_request

    assert request
    assert request.is_from_fork is fork


@pytest.mark.parametrize("content", ["", "[]", '{"pull_request": 7}', "{" * 100_000])
def test_what_is_no_event_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "event.json").write_text(content)

    with pytest.raises(SettingsError, match="not a GitHub event"):
        event_of(tmp_path / "event.json")


def test_a_schedule_has_no_pull_request(tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text('{"schedule": "17 3 * * *"}')

    event = event_of(tmp_path / "event.json")

    assert (event.pull_request, event.workflow_run) == (None, None)


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({"COMMAND": "apply", "EXPECT_DIGEST": "sha256:00"}, "input expect-digest has no effect"),
        ({"COMMAND": "plan", "EXPECT_DIGEST": "sha256:00"}, "input expect-digest has no effect"),
        ({"COMMAND": "apply", "FAIL_ON_CHANGES": "true"}, "input fail-on-changes has no effect"),
        ({"COMMAND": "comment"}, "input plan is missing"),
        ({"COMMAND": "prune"}, "input command is 'prune': write plan, apply,"),
        ({"COMMENT": "perhaps"}, "input comment is 'perhaps': write true or false"),
        ({"TIME_BUDGET": "soon"}, "input time-budget is 'soon': write a duration such as 50m"),
    ],
)
def test_an_input_without_effect_or_sense_is_refused_with_the_cure(
    inputs: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in inputs.items():
        monkeypatch.setenv(f"INPUT_{name}", text)

    with pytest.raises(SettingsError) as refused:
        Inputs.load()

    assert told in str(refused.value)


def test_inputs_are_read_line_by_line_and_empty_ones_are_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INPUT_PATHS", "policies\n\n  with space/web.yaml  \n")
    monkeypatch.setenv("INPUT_TIME_BUDGET", "50m")
    monkeypatch.setenv("INPUT_PLAN", "")

    inputs = Inputs.load()

    assert inputs.files == [Path("policies"), Path("with space/web.yaml")]
    assert (inputs.command, inputs.plan) == ("plan", None)
    assert inputs.time_budget == timedelta(minutes=50)
