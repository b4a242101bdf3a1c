"""`reconciler explain`: what it prints, and what it says when there is nothing to explain."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from reconciler.commands.explain import app
from reconciler.core.planner import PlanningInput
from reconciler.errors import ExitCode, UnreachableError
from reconciler.model.names import Repository
from reconciler.transport.watch import RunClock
from tests.support.inventories import case, digest, image, index
from tests.support.time import NOON

POLICY = """
rules:
  - {name: releases, match: {semver: ">=0"}, keep: {all: true}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""


@dataclass
class Opened:
    """Stands in for a session: it holds one repository, or cannot read it."""

    case_in_hand: PlanningInput | None
    paths: Sequence[Path] = ()
    registries: Any = field(default_factory=lambda: SimpleNamespace(watch=RunClock(lambda: NOON)))

    def case(self, repository: Repository) -> PlanningInput:
        """Read the repository."""
        if self.case_in_hand is None:
            raise UnreachableError(f"{repository}: no answer")
        return self.case_in_hand


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """Open such a session in the place of a real one."""
    amd = image("amd")
    release = index("release", "1.4.2", lists=[amd])
    session = Opened(case(POLICY, amd, release, image("dead", age="3d"), image("deed", age="9d")))

    @contextmanager
    def open_session(paths: Sequence[Path], state: Path | None) -> Iterator[Opened]:
        session.paths = paths
        yield session

    monkeypatch.setattr("reconciler.session.open_session", open_session)
    return session


def explain(*arguments: str) -> int:
    """Run the command in this process and return its exit code."""
    command = typer.main.get_command(app)
    return command.main(list(arguments), "reconciler explain", standalone_mode=False) or 0


@pytest.mark.parametrize("named", ["@{}", "@sha256:{}"])
def test_a_short_digest_as_plans_print_it_is_explained(
    opened: Opened, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    code = explain("ghcr.io/acme/web" + named.format(digest("amd").short))

    printed = capsys.readouterr()
    assert (code, printed.err) == (0, "")
    assert printed.out.startswith(f"ghcr.io/acme/web@{digest('amd')}\n  platform image")
    assert f"\nIt is kept: needed by 1.4.2 {digest('release').short}.\n" in printed.out


def test_a_tag_is_explained_for_programs(
    opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    code = explain("ghcr.io/acme/web:1.4.2", "--format", "json", "--policy", "mine.yaml")

    assert code == 0
    assert json.loads(capsys.readouterr().out)["digest"] == digest("release")
    assert opened.paths == [Path("mine.yaml")]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (
            ":1.4.3",
            (
                r"web:1\.4\.3 is not among the 4 versions .*\."
                r" Did you mean 1\.4\.2\? `reconciler log why [^`]+`"
            ),
        ),
        (f"@{'f' * 12}", f"web@{'f' * 12} is not among the 4 versions of the repository"),
        (f"@{digest('de').removeprefix('sha256:')[:4]}", "is not a reference such as"),
        (":not a tag", "is not a tag"),
        ("", "is not a reference such as ghcr.io/acme/web:1.4.2 or"),
    ],
)
def test_what_is_not_there_is_a_mistake_of_the_command_line(
    opened: Opened, reference: str, told: str
) -> None:
    with pytest.raises(typer.BadParameter, match=told) as caught:
        explain(f"ghcr.io/acme/web{reference}")

    assert caught.value.param_hint == "REF"


def test_a_short_digest_that_means_several_names_them(opened: Opened) -> None:
    opened.case_in_hand = case(POLICY, image("three"), image("thread"))

    with pytest.raises(
        typer.BadParameter, match=f"is ambiguous; it matches 2 versions: {digest('thread')}, "
    ):
        explain(f"ghcr.io/acme/web@{digest('thre').removeprefix('sha256:')[:6]}")


def test_a_repository_that_cannot_be_read_ends_as_incomplete_evidence(
    opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    opened.case_in_hand = None

    code = explain("ghcr.io/acme/web:1.4.2")

    printed = capsys.readouterr()
    assert (code, printed.out) == (ExitCode.EVIDENCE_INCOMPLETE, "")
    assert printed.err.startswith("Error: ghcr.io/acme/web: no answer\n")
