"""The kernel decides who holds the lock; the record beside it only tells a name."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from reconciler.errors import LockedError, StateError
from reconciler.state.lock_file import RepositoryLock
from tests.support.states import WEB, holder


def test_the_record_names_the_process_and_goes_with_the_lock(tmp_path: Path) -> None:
    lock = RepositoryLock(WEB, tmp_path)

    with lock.hold(holder()):
        during = (tmp_path / "holder.json").read_text()

    assert during == (
        '{"run":"run-1","who":"octocat","where":"runner-7","since":"2026-03-01T12:00:00Z",'
        f'"pid":{os.getpid()}}}'
    )
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_record_left_by_a_killed_run_means_nothing(tmp_path: Path) -> None:
    with RepositoryLock(WEB, tmp_path).hold(holder("run-1")):
        left = (tmp_path / "holder.json").read_bytes()
    (tmp_path / "holder.json").write_bytes(left)
    lock = RepositoryLock(WEB, tmp_path)

    named = lock.holder()
    with lock.hold(holder("run-2")):
        renamed = lock.holder()

    assert named is None
    assert renamed == holder("run-2")


def test_a_holder_that_has_not_given_its_name_yet_still_holds(tmp_path: Path) -> None:
    lock = RepositoryLock(WEB, tmp_path)

    with kernel_lock(tmp_path):
        named = lock.holder()
        with (
            pytest.raises(LockedError, match="held by a run that has just started"),
            lock.hold(holder()),
        ):
            pytest.fail("a held lock was taken")

    assert named is None


def test_a_holder_that_lets_go_after_its_record_is_gone_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = FileLock(tmp_path / "lock")
    ending.acquire()
    lock = RepositoryLock(WEB, tmp_path)
    monkeypatch.setattr(lock, "_recorded", ending.release)

    with lock.hold(holder()):
        assert lock.is_locked


def test_somebody_who_only_looks_does_not_cost_a_run_its_lock(tmp_path: Path) -> None:
    lock = RepositoryLock(WEB, tmp_path)
    glance = FileLock(tmp_path / "lock", thread_local=False)
    glance.acquire()
    tries: list[int] = []
    flock = fcntl.flock

    def flock_then_look_away(descriptor: int, operation: int) -> None:
        tries.append(operation)
        if len(tries) == 2:
            glance.release()
        flock(descriptor, operation)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", flock_then_look_away)
        with lock.hold(holder()):
            assert lock.is_locked


def test_looking_at_a_lock_that_was_never_taken_creates_nothing(tmp_path: Path) -> None:
    assert RepositoryLock(WEB, tmp_path / "_").holder() is None
    assert list(tmp_path.iterdir()) == []


def test_without_kernel_locks_there_is_no_lock_and_no_fallback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", missing)
    with (
        pytest.raises(StateError, match="cannot lock .*Function not implemented") as caught,
        RepositoryLock(WEB, tmp_path).hold(holder()),
    ):
        pytest.fail("a lock was made of files")

    assert caught.value.hint.startswith("That file system has no kernel locks")


def test_a_record_that_cannot_be_written_lets_go_of_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with (
            pytest.raises(StateError, match="holder.json: No space left on device"),
            RepositoryLock(WEB, tmp_path).hold(holder("run-1")),
        ):
            pytest.fail("a run holds the lock without a name")

    with RepositoryLock(WEB, tmp_path).hold(holder("run-2")):
        assert RepositoryLock(WEB, tmp_path).holder() == holder("run-2")


def test_what_went_wrong_inside_is_not_hidden_by_a_record_that_cannot_be_removed(
    tmp_path: Path,
) -> None:
    lock = RepositoryLock(WEB, tmp_path)

    with pytest.raises(ZeroDivisionError), lock.hold(holder()):
        fail_without(tmp_path / "holder.json")

    assert lock.is_locked is False


def test_a_record_that_says_nothing_is_reported_by_its_path(tmp_path: Path) -> None:
    lock = RepositoryLock(WEB, tmp_path)

    with lock.hold(holder()):
        (tmp_path / "holder.json").write_text("{")
        with pytest.raises(StateError, match="holder.json is damaged: the lock holder is unknown"):
            lock.holder()


def fail_without(record: Path) -> None:
    """Fail in the middle of a run whose record somebody has removed."""
    record.unlink()
    raise ZeroDivisionError


@contextmanager
def kernel_lock(directory: Path) -> Iterator[None]:
    """Hold the kernel lock as a run does before it has given its name."""
    with FileLock(directory / "lock"):
        yield
