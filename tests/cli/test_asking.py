"""Nothing is changed unless a person writes the whole word, or has said so beforehand."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from reconciler.__main__ import run
from reconciler.commands import _approval
from reconciler.commands._console import ask
from reconciler.errors import ExitCode
from tests.support.cli_harness import CliHarness, served_package
from tests.support.plans import image, part

QUESTION = 'Delete 2 versions? Type "yes" to confirm: '


class Terminal(io.StringIO):
    """A person at a keyboard."""

    def isatty(self) -> bool:
        """Say that somebody is there."""
        return True


def answering(monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    """Have a person answer so."""
    monkeypatch.setattr("sys.stdin", Terminal(words + "\n"))


@pytest.mark.parametrize("words", ["yes", " yes "])
def test_the_whole_word_agrees(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    answering(monkeypatch, words)

    ask("Delete 2 versions?", yes=False, refused="Nothing was deleted.")

    assert capsys.readouterr() == ("", QUESTION)


@pytest.mark.parametrize("words", ["", "y", "YES", "yes please", "no"])
def test_any_other_answer_refuses_and_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    answering(monkeypatch, words)

    with pytest.raises(typer.Exit) as ended:
        ask("Delete 2 versions?", yes=False, refused="Nothing was deleted.")

    assert ended.value.exit_code == ExitCode.OK
    assert capsys.readouterr() == ("", f"{QUESTION}Nothing was deleted.\n")


def test_whoever_has_agreed_beforehand_is_not_asked(capsys: pytest.CaptureFixture[str]) -> None:
    ask("Delete 2 versions?", yes=True, refused="Nothing was deleted.")

    assert capsys.readouterr() == ("", "")


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliHarness]:
    """Serve a package, with a saved plan in the current folder."""
    with served_package(tmp_path) as web:
        assert web.reconciler("plan", "--out", "plan.json").code == 0
        monkeypatch.chdir(tmp_path)
        for name, value in web.reconciler.environment.items():
            monkeypatch.setenv(name, value)
        yield web


def test_before_a_saved_plan_is_applied_one_reads_what_it_does(
    saved: CliHarness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, "no")

    assert run(["apply", "plan.json"]) == 0

    asked = capsys.readouterr().err
    assert "), by policies/policy.yaml." in asked
    assert (
        f"{saved.repository}\n  Deletes 7 of 8 versions (3 of 4 images); 1 version kept." in asked
    )
    assert "  3 images by previews." in asked
    assert "; undo until 20" in asked
    assert "  In the state: no run since the plan.\n" in asked
    assert asked.endswith(
        'Delete 7 versions (3 images)? Type "yes" to confirm: Nothing was deleted.\n'
    )
    assert saved.tags == saved.pushed.tags


def test_what_a_run_deleted_since_is_counted_from_the_state(
    saved: CliHarness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved.reconciler("apply", "plan.json", "--yes", "--max-deletes", "1")
    answering(monkeypatch, "no")

    assert run(["apply", "plan.json", "--only", str(saved.repository)]) == 0

    asked = capsys.readouterr().err
    (text,) = (line for line in asked.splitlines() if "In the state" in line)
    assert "1 run since the plan, which deleted" in text
    assert "of these 7 versions" in text


@pytest.mark.parametrize(
    ("undo", "counts"),
    [(True, "2 versions (1 image)"), (False, "2 versions (1 image), 2 versions without undo")],
)
def test_who_deletes_for_good_is_asked_so(undo: bool, counts: str) -> None:  # noqa: FBT001
    assert _approval._counts([part([image("v1", followers=1)], undo=undo)]) == counts
