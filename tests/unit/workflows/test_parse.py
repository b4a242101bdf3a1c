"""Workflow files are hostile: whatever is in one, it is read, or the reason is told, in no time."""

import json
import os
from pathlib import Path

import pytest

from reconciler.model.language import PolicyProblems
from reconciler.workflows.changes import advise
from reconciler.workflows.parse import WorkflowFiles, read_workflow, read_workflows, workflow_files
from tests.support.inventories import WEB

STEP = "jobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {push: true}}]}}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just a text",
        "[1, 2, 3]",
        "jobs: here",
        "jobs: {a: [b, c]}",
        "jobs: {a: {steps: {b: c}}}",
        "jobs: {a: {steps: [1, [2], {uses: [3]}]}}",
        "on: {push: {branches: {a: b}}}\njobs: {a: {env: [1], steps: [{with: text}]}}",
        "jobs: {a: {strategy: 1, steps: [{run: 1}]}}",
    ],
)
def test_what_is_no_workflow_pushes_nothing(text: str) -> None:
    assert [step for _, step in read_workflow("a.yml", text.encode()).steps if step.uses] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"jobs: !!python/object:os.system {}", "names a type"),
        (b"a: &a [x]\nb: &b [*a, *a]\n" + b"c: &c [*b, *b]\n" * 20_000, "more than 30000 values"),
        (b"[" * 100, "nested more than 16 levels"),
        (b"jobs: \xff", "not UTF-8"),
        ("jobs: a\N{RIGHT-TO-LEFT OVERRIDE}b".encode(), "is invisible"),
        (b"a: 1\n" * 300_000, "larger than"),
        (b"jobs: [", "not YAML"),
    ],
)
def test_a_file_that_hides_or_swells_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(PolicyProblems, match=message):
        read_workflow("a.yml", content)


@pytest.mark.parametrize(
    "hostile",
    [
        "${{" * 100_000,
        "${{ " + " " * 500_000,
        "${{ env.A }}" * 40_000,
        "," * 500_000,
        "a:" * 250_000,
        "*" * 500_000,
        "$A" * 200_000,
        "docker buildx build --push -t ${{ env.A }} . ;" * 5_000,
        "'" * 500_000,
        "\\\n" * 100_000,
    ],
)
def test_a_hostile_text_anywhere_takes_no_time_to_speak_of(hostile: str) -> None:
    keys = ("tags", "platforms", "outputs", "cache-to", "images", "set", "subject-name")
    inputs = dict.fromkeys(keys, hostile[:12_000]) | {"push": "true", "push-to-registry": "true"}
    actions = ("docker/build-push-action", "docker/metadata-action", "docker/bake-action")
    steps: list[object] = [{"id": "m", "uses": uses, "with": inputs} for uses in actions]
    job = {"env": {"A": hostile[:60_000]}, "steps": [*steps, {"run": hostile[:140_000]}]}
    text = json.dumps({"on": "push", "jobs": {"image": job}})

    counsel = advise(WorkflowFiles((read_workflow("a.yml", text.encode()),)), WEB, ())

    assert counsel.proposals == ()


def test_one_file_that_cannot_be_read_holds_no_other_one_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "good.yml").write_text(STEP)
    (folder / "bad.yaml").write_text("jobs: [")
    (folder / "notes.yaml.txt").write_text("nothing")
    (folder / "gone.yml").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.yml")

    found = read_workflows(workflow_files())

    assert [workflow.path for workflow in found.workflows] == [".github/workflows/good.yml"]
    assert [words.split(":")[0] for words in found.unread] == [
        ".github/workflows/bad.yaml",
        ".github/workflows/gone.yml",
        ".github/workflows/pipe.yml",
    ]


def test_where_there_are_no_workflows_none_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert workflow_files() == []
