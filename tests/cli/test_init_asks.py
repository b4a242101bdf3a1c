"""`reconciler init` with a person at the keyboard: what it asks, and what it refuses."""

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
import typer

from reconciler.commands.init import app
from reconciler.engine.read_all import Sample
from reconciler.errors import ExitCode
from reconciler.model.patterns import RepositoryGlob
from tests.support.inventories import image, inventory

NAME = "ghcr.io/acme/web"
ACTION = ("--action", f"acme/reconciler@{'0123456789' * 4}")
FILES = ("policies/web.yaml", "policies/web.test.yaml", ".github/workflows/retention.yml")
WRITE = 'Write policies/web.yaml, policies/web.test.yaml, reconciler.toml? Type "yes" to confirm: '


class Terminal(io.StringIO):
    """A person at a keyboard."""

    def isatty(self) -> bool:
        """Say that somebody is there."""
        return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty folder, and a registry in which every repository has two images."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RECONCILER_CACHE", str(tmp_path / "cache"))
    held = inventory(image("a", "1.4.2", "latest"), image("b", "customer-acme"))
    monkeypatch.setattr(
        "reconciler.commands._first_policy.sample", lambda glob, _: Sample(glob, (held,))
    )
    return tmp_path


def init(monkeypatch: pytest.MonkeyPatch, answers: Iterable[str], *arguments: str) -> int:
    """Run the command with a person who answers so."""
    monkeypatch.setattr("sys.stdin", Terminal("".join(f"{answer}\n" for answer in answers)))
    command = typer.main.get_command(app)
    return command.main(list(arguments), "reconciler init", standalone_mode=False) or 0


def test_it_asks_for_repositories_and_before_it_writes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = init(monkeypatch, ["ghcr.io/acme/web ghcr.io/acme/tools", "yes"], "--no-workflow")

    printed = capsys.readouterr()
    assert code == 0
    assert printed.out.split() == [*FILES[:2], "reconciler.toml", ".gitignore"]
    assert printed.err.startswith("Which repositories, such as ghcr.io/acme/web? ")
    assert WRITE in printed.err
    assert "No rule matches 2 tags; their images are kept." in printed.err
    policy = (folder / "policies" / "web.yaml").read_text()
    assert 'repositories: ["ghcr.io/acme/web", "ghcr.io/acme/tools"]' in policy


def test_nothing_is_written_against_ones_will(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = init(monkeypatch, ["no"], NAME, "--no-workflow")

    assert code == 0
    assert capsys.readouterr().err.endswith(f"{WRITE}Nothing was written.\n")
    assert not (folder / "policies").exists()


def test_whoever_said_yes_and_named_all_is_not_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = init(monkeypatch, [], NAME, "--yes", *ACTION)

    assert code == 0
    assert "?" not in capsys.readouterr().err
    assert (folder / "policies" / "web.yaml").exists()


def test_it_asks_where_the_action_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = init(monkeypatch, [ACTION[1], "yes"], NAME)

    assert code == 0
    assert capsys.readouterr().err.startswith("Where is the action that the workflow uses, such as")
    assert f"uses: {ACTION[1]}\n" in (folder / FILES[2]).read_text()


def test_for_a_pattern_that_names_nothing_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def empty(glob: RepositoryGlob, _: object) -> Sample:
        return Sample(glob, ())

    monkeypatch.setattr("reconciler.commands._first_policy.sample", empty)

    code = init(monkeypatch, [], "ghcr.io/acme/tool-*", "--yes", *ACTION)

    assert code == ExitCode.BAD_POLICY
    assert "no repository matches ghcr.io/acme/tool-*" in capsys.readouterr().err
    assert not (folder / "policies").exists()


@pytest.mark.parametrize(
    ("name", "repository", "words"),
    [
        (
            "team",
            "ghcr.io/acme/*",
            "policies/team.yaml: policy team already governs ghcr.io/acme/web",
        ),
        ("web", "ghcr.io/other/web", "policies/team.yaml: policy web already has this name"),
    ],
)
def test_what_another_policy_claims_is_left_to_it(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    repository: str,
    words: str,
) -> None:
    (folder / "policies").mkdir()
    rules = "[{name: old, match: {any: true}, keep: {last: 5}}]"
    (folder / "policies" / "team.yaml").write_text(
        "version: 1\npolicies:\n"
        f'  - {{name: {name}, repositories: ["{repository}"], rules: {rules}}}\n'
    )

    code = init(monkeypatch, [], NAME, "--yes", *ACTION)

    assert code == ExitCode.BAD_POLICY
    assert words in capsys.readouterr().err
    assert [path.name for path in (folder / "policies").iterdir()] == ["team.yaml"]


def test_the_policy_is_called_after_its_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(monkeypatch, [], NAME, "--yes", *ACTION, "--policy-file", "policies/My_Team.yaml")

    assert "  - name: my-team\n" in (folder / "policies" / "My_Team.yaml").read_text()
    assert "policy: my-team\n" in (folder / "policies" / "My_Team.test.yaml").read_text()


@pytest.mark.parametrize("taken", FILES)
def test_what_is_there_is_left_alone_and_nothing_else_is_written(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    taken: str,
) -> None:
    path = folder / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine")

    code = init(monkeypatch, [], NAME, "--yes", *ACTION)

    assert code == ExitCode.BAD_POLICY
    assert f"{taken}: already exists, and is not overwritten" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert [one for one in FILES if (folder / one).exists()] == [taken]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("no repository",), "is not a repository pattern"),
        ((NAME, "--action", "x\ny"), "is not a reference of an action"),
        ((NAME, "--policy-file", "../web.yaml"), "is not below the current folder"),
        ((NAME, "--policy-file", "web.test.yaml"), "is not the name of a policy file"),
    ],
)
def test_what_cannot_be_written_down_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(typer.BadParameter, match=words):
        init(monkeypatch, [], *ACTION, *arguments, "--yes")

    assert list(folder.iterdir()) == []
