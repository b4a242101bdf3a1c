"""Workflows and the action as linters see them; those that readers copy are held to the same."""

from pathlib import Path, PurePath

import pytest

from reconciler.formats.propose import ActionReference, write_workflow
from tests.support.workflows import linters
from tests.support.workflows.pages import PINNED, workflows

ROOT = Path(__file__).parents[2]
ACTION = ROOT / "action.yml"


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Give this repository's workflows, and those that the documentation shows."""
    own = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    shown = sorted(workflows(tmp_path).values())
    assert own
    assert shown
    return [*own, *shown]


def test_they_fit_the_schemas_of_github(files: list[Path]) -> None:
    assert linters.schema_complaints("workflows", files) == ""
    assert linters.schema_complaints("actions", [ACTION]) == ""


def test_nothing_in_them_is_unsafe(files: list[Path]) -> None:
    assert linters.zizmor_complaints([*files, ACTION]) == ""


def test_github_can_run_them(files: list[Path]) -> None:
    assert linters.actionlint_complaints(files) == []


def test_the_linters_complain_of_what_is_wrong(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    need: two\n    steps:\n"
        "      - run: echo ${{ github.event.issue.title }}\n"
    )

    assert "need" in linters.schema_complaints("workflows", [bad])
    assert "template-injection" in linters.zizmor_complaints([bad])
    assert "potentially untrusted" in "".join(linters.actionlint_complaints([bad]))


def test_the_documentation_shows_the_workflow_that_init_writes(tmp_path: Path) -> None:
    written = write_workflow(PurePath("policies/web.yaml"), ActionReference(PINNED))

    shown = workflows(tmp_path)["retention.yml"].read_text(encoding="utf-8")

    assert shown == written[written.index("name: retention") :]
