"""A state that cannot be written or does not verify is found before anything is deleted."""

from collections.abc import Iterator
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from signal import SIGKILL

import pytest

from reconciler.model.effort import TOGETHER
from reconciler.model.journal import MAX_RECORD_BYTES, Entry
from tests.support.cli import SECONDS, Ended, Running
from tests.support.fault_harness import DOOMED, FaultHarness, digests, mixed_package, now, sandbox
from tests.support.killable_cli import gate
from tests.support.states import holder
from tests.support.tripwire import held_up

pytestmark = pytest.mark.fault

APPLY = ("apply", "plan.json", "--yes")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[FaultHarness]:
    """Set up the package and its plan."""
    with sandbox() as serving:
        made = FaultHarness.at(serving, mixed_package(now()), tmp_path)
        assert made.reconciler("plan", "--out", "plan.json").code == 0
        yield made


@pytest.fixture
def written(rig: FaultHarness) -> FaultHarness:
    """Leave the journal of a run that was killed in the middle."""
    killed = rig.reconciler(*APPLY, at="RepositoryState.append:after:5")
    assert killed.code == -SIGKILL
    return rig


def check_refused(rig: FaultHarness, ended: Ended, said: str) -> None:
    """Hold a run to having deleted nothing, and to having said where and what to do."""
    assert ended.code == 8, ended
    assert said in ended.stdout + ended.stderr
    assert rig.deletions == []


def test_a_state_that_cannot_be_created_is_found_before_anything_is_asked(
    rig: FaultHarness,
) -> None:
    (rig.folder / ".reconciler").write_text("no directory")
    rig.sandbox.forget_requests()

    ended = rig.reconciler(*APPLY)

    check_refused(rig, ended, "Error: cannot write to .reconciler")
    assert "or keep the state elsewhere with `--state`" in ended.stderr
    assert rig.sandbox.requests == []


def limited(rig: FaultHarness, size: int) -> Ended:
    """Apply, and let the kernel cut short whatever makes a file longer, as a full disk does."""
    both = gate(2)
    running = rig.reconciler.start(*APPLY, gate=both)
    limit(running, size)
    both.wait(SECONDS)
    return running.wait()


def limit(running: Running, size: int) -> None:
    """Allow a process no file longer than this from now on, in bytes."""
    prlimit(running.pid, RLIMIT_FSIZE, (size, RLIM_INFINITY))


def test_a_disk_that_takes_no_whole_record_is_found_before_anything_is_asked(
    rig: FaultHarness,
) -> None:
    rig.sandbox.forget_requests()

    ended = limited(rig, MAX_RECORD_BYTES // 2)

    check_refused(rig, ended, "Error: cannot write to .reconciler: File too large")
    assert rig.sandbox.requests == []


def test_a_journal_that_takes_no_other_record_is_found_before_the_first_deletion(
    rig: FaultHarness,
) -> None:
    state = rig.state.of(rig.repository)
    long = Entry("run_open", {"who": "x" * (MAX_RECORD_BYTES - 1024)})
    with state.lock(holder("run-1")):
        state.append("run-1", now(), [long, long, Entry("run_close", {"reason": "done"})])
    size = rig.journal.stat().st_size

    ended = limited(rig, size)

    check_refused(rig, ended, "journal.jsonl: File too large")
    assert rig.journal.stat().st_size == size
    check_the_next_run_finishes(rig)


def test_a_disk_that_is_full_by_and_by_ends_the_run_after_the_group_in_hand(
    rig: FaultHarness,
) -> None:
    with held_up(rig.sandbox, 1, "DELETE") as held:
        running = rig.reconciler.start(*APPLY)
        assert held.reached_by(running)
        limit(running, rig.journal.stat().st_size)
    ended = running.wait()

    assert ended.code == 8, ended
    assert "journal.jsonl: File too large" in ended.stdout
    # The outcomes of one group are written together, after the group.
    assert 1 <= len(rig.deleted) <= TOGETHER
    assert len(rig.deleted) < len(DOOMED)
    assert rig.deleted <= set(digests(rig.records, "intent"))
    check_the_next_run_finishes(rig)


@pytest.mark.parametrize("line", [0, 2, -1])
def test_a_journal_that_was_altered_means_no_deletion(written: FaultHarness, line: int) -> None:
    lines = written.journal.read_bytes().splitlines(keepends=True)
    lines[line] = lines[line].replace(b"sha256:", b"sha257:", 1)
    written.journal.write_bytes(b"".join(lines))
    sent = len(written.deletions)

    ended = written.reconciler(*APPLY)
    verified = written.reconciler("log", "verify")

    assert (ended.code, verified.code) == (8, 8)
    assert "journal.jsonl:" in ended.stdout
    assert len(written.deletions) == sent


def test_a_journal_that_lost_a_line_means_no_deletion(written: FaultHarness) -> None:
    lines = written.journal.read_bytes().splitlines(keepends=True)
    written.journal.write_bytes(b"".join(lines[:2] + lines[3:]))
    sent = len(written.deletions)

    ended = written.reconciler(*APPLY)

    assert ended.code == 8
    assert "journal.jsonl:3: record 4 does not continue record 2" in ended.stdout
    assert len(written.deletions) == sent


def test_a_torn_tail_is_set_aside_and_the_run_goes_on(written: FaultHarness) -> None:
    torn = written.journal.read_bytes().splitlines()[-1][:100]
    with written.journal.open("ab") as file:
        file.write(torn)

    check_the_next_run_finishes(written)

    (aside,) = written.journal.parent.glob("journal.torn-*")
    assert aside.read_bytes() == torn


def check_the_next_run_finishes(rig: FaultHarness) -> None:
    """Run to the end: everything that was to go is gone, and the journal verifies."""
    finished = rig.reconciler(*APPLY)

    assert finished.code == 0, finished
    assert len(rig.deleted) == len(DOOMED)
    assert (rig.broken_tags, rig.bereaved) == ([], {})
    assert rig.reconciler("log", "verify").code == 0
