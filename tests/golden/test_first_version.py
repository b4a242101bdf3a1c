"""A state directory and plans of the first version: the code of today reads and continues them.

`first_version/` was written by the code of commit 3d687a4 and is never written anew.
"""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reconciler.commands.log import app
from reconciler.core.history import attempts, deletions
from reconciler.engine.state_admin import break_locks
from reconciler.errors import ExitCode
from reconciler.model.journal import Entry, RecordType, entry_of, open_intents
from reconciler.model.plan import DeletionPlan, RestorePlan, read_plan
from reconciler.model.plan_rows import Change
from reconciler.state.local import LocalState
from tests.golden import first_version_story as story
from tests.support.fake_registry import WEB
from tests.support.scenes import Scene, results
from tests.support.undoing import draw, undo

_FOLDER = Path(__file__).parent / "first_version"
_JOURNAL = _FOLDER / "state" / WEB / "_" / "journal.jsonl"
NAMES = {
    "index": story.BUILD,
    "amd64": story.AMD64,
    "arm64": story.ARM64,
    "signature": story.SIGNED,
    "attestation": story.ATTESTED,
    "refused": story.REFUSED,
    "many": story.MANY,
    "killed": story.KILLED,
    "open": story.OPEN,
}
LAST_RUN = ["signature", "attestation", "index", "amd64", "arm64", "open"]
"""What the last plan deletes, and the run that was killed at its first DELETE left open."""

KINDS: set[RecordType] = {
    "run_open",
    "intent",
    "outcome",
    "resolve",
    "run_close",
    "lock_break",
    "hold",
    "release",
}
"""All kinds of records that the first version wrote in this history."""


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Give the registry as it was at the end of the history, beside the old state."""
    scene = Scene(tmp_path / "made-today")
    story.tell(scene, break_locks)
    shutil.copytree(_FOLDER / "state", tmp_path / "old")
    scene.state = LocalState(tmp_path / "old")
    return scene


def _deletion() -> DeletionPlan:
    plan = read_plan((_FOLDER / "deletion.json").read_bytes())
    assert isinstance(plan, DeletionPlan)
    return plan


def _identity(change: Change) -> tuple[object, ...]:
    """What identifies a change and says why it is made, apart from sentences."""
    return change.key, change.component, change.cause, change.rules, change.observed.tags


def test_every_kind_of_record_is_there(scene: Scene) -> None:
    assert {record.type for record in scene.records} == KINDS


def test_every_record_is_written_with_the_bytes_it_was_read_from(scene: Scene) -> None:
    assert b"".join(record.to_line() for record in scene.records) == _JOURNAL.read_bytes()


def test_a_body_is_written_with_the_keys_it_was_read_from(scene: Scene) -> None:
    written = [entry_of(record.content) for record in scene.records]

    assert written == [Entry(record.type, record.body) for record in scene.records]


@pytest.mark.parametrize("name", ["deletion.json", "restoration.json"])
def test_a_plan_is_written_with_the_bytes_it_was_read_from(name: str) -> None:
    content = (_FOLDER / name).read_bytes()

    assert read_plan(content).to_bytes() == content


def test_log_verify_accepts_the_journal(scene: Scene, tmp_path: Path) -> None:
    head = scene.records[-1].hash

    ended = CliRunner().invoke(app, ["verify", "--head", head, "--state", str(tmp_path / "old")])

    assert (ended.exit_code, ended.stdout) == (
        ExitCode.OK,
        f"{WEB}: {len(scene.records)} records, head {head}\n",
    )


def test_the_history_of_each_version_is_read(scene: Scene) -> None:
    read = {
        (attempt.run, name): (str(attempt.result or "open"), attempt.restored is not None)
        for attempt in attempts(scene.records)
        for name, document in NAMES.items()
        if attempt.digest == document.digest
    }

    assert read == {
        ("run-1", "many"): ("deleted", True),
        ("run-1", "signature"): ("deleted", True),
        ("run-1", "attestation"): ("deleted", True),
        ("run-1", "index"): ("deleted", True),
        ("run-1", "amd64"): ("deleted", True),
        ("run-1", "arm64"): ("deleted", True),
        ("run-1", "refused"): ("retained", False),
        ("run-2", "killed"): ("not_done", False),
        ("run-3", "killed"): ("deleted", False),
        **{("run-4", name): ("open", False) for name in LAST_RUN},
    }


def test_a_new_plan_is_the_one_that_the_first_version_made(scene: Scene) -> None:
    (now,), (then,) = scene.plan().repositories, _deletion().repositories

    assert [_identity(change) for change in now.changes] == [
        _identity(change) for change in then.changes
    ]
    assert [(kept.key, kept.tags, kept.cause) for kept in now.retained] == [
        (kept.key, kept.tags, kept.cause) for kept in then.retained
    ]
    assert [kept.tags for kept in now.retained] == [("pr-8", "preview")]


def test_a_plan_to_delete_is_applied_and_open_intents_are_resolved(scene: Scene) -> None:
    applied = scene.apply(_deletion())

    assert applied.resolved == len(LAST_RUN)
    assert results(applied, **NAMES) == dict.fromkeys(LAST_RUN, "deleted")
    assert not open_intents(scene.records)


def test_a_plan_to_restore_is_applied(scene: Scene) -> None:
    plan = read_plan((_FOLDER / "restoration.json").read_bytes())
    assert isinstance(plan, RestorePlan)

    applied = undo(scene, plan, name="undo-2")

    assert results(applied, **NAMES) == {"killed": "restored"}
    assert story.KILLED.digest in scene.alive
    assert [attempt.digest for attempt in deletions(scene.records) if attempt.is_standing] == []


def test_what_a_plan_of_the_first_version_deleted_is_undone(scene: Scene) -> None:
    scene.apply(_deletion())

    applied = undo(scene, draw(scene, "run-5"), name="undo-2")

    assert results(applied, **NAMES) == dict.fromkeys(LAST_RUN, "restored")
