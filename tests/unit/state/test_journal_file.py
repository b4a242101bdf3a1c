"""An append returns when the disk has it; after a failure nothing more is written."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from reconciler.errors import StateError
from reconciler.state import journal_file
from reconciler.state.journal_file import JournalFile
from tests.support.states import NOON, intent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Say where the journal is."""
    return tmp_path / "journal.jsonl"


def test_an_append_waits_for_the_file_and_the_first_one_for_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalFile(path)
    journal.settle()
    synced = recorded_syncs(monkeypatch, watched=path)

    journal.append("run-1", NOON, [intent(1), intent(2)])
    journal.append("run-1", NOON, [intent(3)])

    two, three = size_of(path, 2), size_of(path, 3)
    assert synced == [(path, two), (path.parent, two), (path, three)]


def test_a_name_that_a_killed_run_did_not_wait_for_is_waited_for_now(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    JournalFile(path).append("run-1", NOON, [intent(1)])
    synced = recorded_syncs(monkeypatch, watched=path)

    JournalFile(path).append("run-2", NOON, [intent(2)])

    assert synced == [(path.parent, size_of(path, 1)), (path, size_of(path, 2))]


def test_a_batch_is_written_in_one_go(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = JournalFile(path)
    journal.settle()
    sizes: list[int] = []
    write = os.write

    def noted(descriptor: int, content: bytes) -> int:
        sizes.append(len(content))
        return write(descriptor, content)

    monkeypatch.setattr(os, "write", noted)
    journal.append("run-1", NOON, [intent(number) for number in range(50)])

    assert sizes == [path.stat().st_size]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_after_a_failed_fsync_nothing_more_is_written_or_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    journal = JournalFile(path)
    journal.append("run-1", NOON, [intent(1)])

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing(code))
        with pytest.raises(StateError, match=f"cannot write to {path}: {os.strerror(code)}"):
            journal.append("run-1", NOON, [intent(2)])
    before = path.read_bytes()
    with pytest.raises(StateError, match="nothing more is written after a failed write"):
        journal.append("run-1", NOON, [intent(3)])
    with pytest.raises(StateError, match="nothing more is written after a failed write"):
        journal.settle()

    assert path.read_bytes() == before


def test_a_full_disk_leaves_a_torn_tail_that_the_next_run_sets_aside(path: Path) -> None:
    journal = JournalFile(path)
    journal.append("run-1", NOON, [intent(1)])
    size = path.stat().st_size

    with files_no_longer_than(size + 100), pytest.raises(StateError, match="File too large"):
        journal.append("run-1", NOON, [intent(2)])
    left = path.read_bytes()
    records = JournalFile(path).settle()

    assert len(left) == size + 100
    assert [record.seq for record in records] == [1]
    assert path.with_name("journal.torn-2-1").read_bytes() == left[size:]
    assert path.stat().st_size == size


def test_a_device_without_space_is_said_to_be_full(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalFile(path)
    journal.settle()
    monkeypatch.setattr(
        journal_file, "open_private", lambda _, flags: os.open("/dev/full", os.O_WRONLY)
    )

    with pytest.raises(StateError, match="No space left on device") as caught:
        journal.append("run-1", NOON, [intent(1)])

    assert caught.value.hint.startswith("Free some space on that disk")


def test_whole_records_of_an_append_that_was_cut_short_stay(path: Path) -> None:
    journal = JournalFile(path)
    journal.append("run-1", NOON, [intent(1)])
    size = path.stat().st_size

    with files_no_longer_than(2 * size + 100), pytest.raises(StateError):
        journal.append("run-1", NOON, [intent(2), intent(3)])

    assert [record.seq for record in JournalFile(path).settle()] == [1, 2]


def test_torn_tails_set_aside_earlier_are_not_overwritten(path: Path) -> None:
    JournalFile(path).append("run-1", NOON, [intent(1)])
    for tail in (b'{"body', b'{"body":{"key"'):
        path.write_bytes(path.read_bytes() + tail)
        JournalFile(path).settle()

    kept = {copy.name: copy.read_bytes() for copy in path.parent.glob("journal.torn-*")}

    assert kept == {"journal.torn-2-1": b'{"body', "journal.torn-2-2": b'{"body":{"key"'}


def test_a_torn_tail_is_cut_off_once_its_copy_is_on_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    JournalFile(path).append("run-1", NOON, [intent(1)])
    size = path.stat().st_size
    path.write_bytes(path.read_bytes() + b'{"body')
    synced = recorded_syncs(monkeypatch, watched=path)

    JournalFile(path).settle()

    assert synced == [
        (path.parent, size + 6),
        (path.with_name("journal.torn-2-1"), size + 6),
        (path.parent, size + 6),
        (path, size),
    ]


def test_a_journal_that_cannot_be_read_is_no_empty_journal(tmp_path: Path) -> None:
    directory = tmp_path / "journal.jsonl"
    directory.mkdir()

    with pytest.raises(StateError, match="cannot read .*Is a directory"):
        JournalFile(directory).look()


def test_threads_of_one_run_append_one_after_another(path: Path) -> None:
    journal = JournalFile(path)
    threads = [
        Thread(target=lambda: [journal.append("run-1", NOON, [intent(n)]) for n in range(20)])
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [record.seq for record in JournalFile(path).look()] == list(range(1, 81))


def size_of(path: Path, records: int) -> int:
    """Measure the first records of a journal."""
    return sum(len(line) for line in path.read_bytes().splitlines(keepends=True)[:records])


def recorded_syncs(monkeypatch: pytest.MonkeyPatch, watched: Path) -> list[tuple[Path, int]]:
    """Note which path is synced from now on, and how long the watched file is by then."""
    synced: list[tuple[Path, int]] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), watched.stat().st_size))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    return synced


def failing(code: int) -> object:
    """Build a system call that always fails."""

    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Have the kernel cut short what would make a file longer, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_written_to_a_journal_that_was_renewed_reaches_nobody(path: Path) -> None:
    JournalFile(path).append("run-1", NOON, [intent(1)])
    journal = JournalFile(path)

    with path.open("ab", buffering=0) as opened_before:
        journal.renew()
        opened_before.write(b"half a rec")
        journal.append("run-2", NOON, [intent(2)])

    assert [record.run for record in JournalFile(path).look()] == ["run-1", "run-2"]


def test_renewing_a_journal_that_does_not_exist_creates_none(tmp_path: Path) -> None:
    JournalFile(tmp_path / "journal.jsonl").renew()

    assert list(tmp_path.iterdir()) == []
