"""An edit changes its lines and no others; where lines do not tell, there is none."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.workflows.edits import LineEdit, add_lines, patch, set_input, substituted
from reconciler.workflows.parse import read_workflow
from reconciler.workflows.workflow import Step, Workflow

BUILD = """\
on: push
jobs:
  image:
    steps:
      - uses: docker/build-push-action@v6 # by digest
        with:
          push: true # always

          tags: |
            a/web:latest

            a/web:main
      - run: docker buildx imagetools create -t a/web:1 a/web:2
"""


def read(text: str) -> tuple[Workflow, Step, Step]:
    """Read a workflow of a build and a script."""
    workflow = read_workflow("image.yml", text.encode())
    (build, script) = [step for _, step in workflow.steps]
    return workflow, build, script


def edited(text: str, *edits: LineEdit | None) -> str:
    """Make edits of a text, each of which there has to be."""
    lines = text.split("\n")
    for edit in sorted(filter(None, edits), key=lambda edit: -edit.line):
        start = edit.line - 1
        assert tuple(lines[start : start + len(edit.removed)]) == edit.removed
        lines[start : start + len(edit.removed)] = edit.added
    assert all(edits)
    return "\n".join(lines)


def test_an_input_is_added_after_the_others() -> None:
    workflow, build, _ = read(BUILD)
    edit = set_input(workflow, build, "provenance", "false")

    changed = edited(BUILD, edit).splitlines()

    assert changed[12] == "          provenance: false"
    assert changed[:12] + changed[13:] == BUILD.splitlines()


def test_an_input_that_is_there_gets_another_value() -> None:
    workflow, build, _ = read(BUILD)
    edit = set_input(workflow, build, "push", "false")

    assert edited(BUILD, edit) == BUILD.replace("push: true # always", "push: false")


def test_entries_are_added_to_a_list_and_a_line_becomes_one() -> None:
    listed, alone = (
        BUILD,
        BUILD.replace("|\n            a/web:latest\n\n            a/web:main", "a:1"),
    )
    changed = []
    for text in (listed, alone):
        workflow, build, _ = read(text)
        edit = add_lines(workflow, build, ("with", "tags"), ["a/web:own"])
        changed.append(edited(text, edit))

    assert changed[0] == listed.replace("a/web:main\n", "a/web:main\n            a/web:own\n")
    assert changed[1] == alone.replace(
        "tags: a:1\n", "tags: |\n            a:1\n            a/web:own\n"
    )


def test_a_script_in_the_first_line_of_a_step_is_edited() -> None:
    workflow, _, script = read(BUILD)
    edit = substituted(workflow, script, ("run",), "create", "create --prefer-index=false")

    assert "      - run: docker buildx imagetools create --prefer-index=false -t a" in edited(
        BUILD, edit
    )


def test_line_ends_stay_as_they_are() -> None:
    text = BUILD.replace("\n", "\r\n")
    workflow, build, _ = read(text)
    edit = set_input(workflow, build, "provenance", "false")

    changed = edited(text, edit)

    assert changed.count("\r\n") == changed.count("\n") == BUILD.count("\n") + 1


@pytest.mark.parametrize(
    "text",
    [
        "jobs: {a: {steps: [{uses: b, with: {push: true}}, {run: c}]}}",
        "jobs:\n  a:\n    steps:\n    - {uses: b, with: {push: true}}\n    - run: c\n",
        "jobs:\n a:\n  steps:\n  - uses: b\n    with: {push: true,\n      tags: x}\n  - run: c\n",
        "jobs:\n  a:\n    steps:\n    - uses: b\n    - run: c\n",
    ],
)
def test_where_lines_do_not_tell_there_is_no_edit(text: str) -> None:
    workflow, build, _ = read(text)

    assert set_input(workflow, build, "provenance", "false") is None


def test_a_patch_names_the_file_and_what_stands_around() -> None:
    workflow, build, _ = read(BUILD)
    edit = set_input(workflow, build, "push", "false")
    assert edit

    assert patch(workflow, [edit]).splitlines() == [
        "--- a/image.yml",
        "+++ b/image.yml",
        "@@ -5,5 +5,5 @@",
        "       - uses: docker/build-push-action@v6 # by digest",
        "         with:",
        "-          push: true # always",
        "+          push: false",
        " ",
        "           tags: |",
    ]


@pytest.mark.parametrize("lines", [(2, 3), (2, 9), (1, 12), (5, 7, 12)])
def test_a_patch_of_several_edits_applies(lines: tuple[int, ...], tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(1, 13))
    workflow = read_workflow("image.yml", text.replace("line", "k:").encode())
    workflow = replace(workflow, text=text)
    edits = [
        LineEdit(line, (f"line {line}",), (f"line {line}", "one", "more") if line % 2 else ("new",))
        for line in lines
    ]
    (tmp_path / "image.yml").write_text(text)

    written = patch(workflow, edits)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=written, text=True, check=True)

    assert (tmp_path / "image.yml").read_text() == edited(text, *edits)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (".github/workflows/image.yml", ".github/workflows/image.yml"),
        ("../web/.github/workflows/image.yml", ".github/workflows/image.yml"),
        ("/srv/web/.github/workflows/image.yml", ".github/workflows/image.yml"),
        ("../image.yml", "image.yml"),
    ],
)
def test_a_patch_names_a_workflow_as_its_own_repository_does(path: str, name: str) -> None:
    workflow = read_workflow(path, BUILD.encode())
    edit = LineEdit(1, ("on: push",), ("on: [push]",))

    assert patch(workflow, [edit]).splitlines()[:2] == [f"--- a/{name}", f"+++ b/{name}"]
