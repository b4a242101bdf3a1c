"""Nothing is changed unless a person writes the whole word, or has said so beforehand."""

import io

import pytest
import typer

from reconciler.commands import apply
from reconciler.commands._console import ask
from reconciler.errors import ExitCode
from tests.support.plans import image, part, plan

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


@pytest.mark.parametrize(
    ("undo", "question"),
    [(True, "Delete 2 versions? "), (False, "Delete 2 versions, 2 of them without undo? ")],
)
def test_who_deletes_for_good_is_asked_so(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    undo: bool,  # noqa: FBT001 - a parameter of the test
    question: str,
) -> None:
    answering(monkeypatch, "yes")

    apply._ask(plan(part([image("v1", followers=1)], undo=undo)), yes=False)

    assert capsys.readouterr().err.startswith(question)
