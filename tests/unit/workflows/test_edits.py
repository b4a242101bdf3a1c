"""An edit changes its lines and no others; where lines do not tell, there is none."""

import pytest

from reconciler.workflows.edits import add_lines, difference, edited, set_input, substituted
from reconciler.workflows.reading import read_workflow
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


def test_an_input_is_added_after_the_others() -> None:
    workflow, build, _ = read(BUILD)
    edit = set_input(workflow, build, "provenance", "false")
    assert edit

    changed = edited(BUILD, [edit]).splitlines()

    assert changed[12] == "          provenance: false"
    assert changed[:12] + changed[13:] == BUILD.splitlines()


def test_an_input_that_is_there_gets_another_value() -> None:
    workflow, build, _ = read(BUILD)
    edit = set_input(workflow, build, "push", "false")
    assert edit

    assert edited(BUILD, [edit]) == BUILD.replace("push: true # always", "push: false")


def test_entries_are_added_to_a_list_and_a_line_becomes_one() -> None:
    listed, alone = (
        BUILD,
        BUILD.replace("|\n            a/web:latest\n\n            a/web:main", "a:1"),
    )
    changed = []
    for text in (listed, alone):
        workflow, build, _ = read(text)
        edit = add_lines(workflow, build, ("with", "tags"), ["a/web:own"])
        assert edit
        changed.append(edited(text, [edit]))

    assert changed[0] == listed.replace("a/web:main\n", "a/web:main\n            a/web:own\n")
    assert changed[1] == alone.replace(
        "tags: a:1\n", "tags: |\n            a:1\n            a/web:own\n"
    )


def test_a_script_in_the_first_line_of_a_step_is_edited() -> None:
    workflow, _, script = read(BUILD)
    edit = substituted(workflow, script, ("run",), "create", "create --prefer-index=false")
    assert edit

    assert "      - run: docker buildx imagetools create --prefer-index=false -t a" in edited(
        BUILD, [edit]
    )


def test_line_ends_stay_as_they_are() -> None:
    text = BUILD.replace("\n", "\r\n")
    workflow, build, _ = read(text)
    edit = set_input(workflow, build, "provenance", "false")
    assert edit

    changed = edited(text, [edit])

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

    assert difference(workflow, [edit]).splitlines() == [
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
