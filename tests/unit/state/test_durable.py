"""A file is replaced all or nothing, and each failure says where and what to do."""

import errno
import os
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.state.durable import make_directory, replace, state_errors


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "observations.json"

    replace(path, b"old")
    replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_replacement_that_fails_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "observations.json"
    replace(path, b"old")

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(OSError, match="Input/output error"):
        replace(path, b"new")

    assert path.read_bytes() == b"old"


def test_the_new_content_is_on_the_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "observations.json"
    replace(path, b"old")
    seen: list[bytes] = []

    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.read_bytes()))
    replace(path, b"new")

    assert seen == [b"old", b"new"]


def test_what_a_killed_writer_left_is_overwritten_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "observations.json"
    path.with_name("observations.json.new").write_bytes(b"half of a much longer text")

    replace(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_every_new_directory_is_made_known_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(
        os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink())
    )

    make_directory(tmp_path / "ghcr.io" / "acme")
    make_directory(tmp_path / "ghcr.io" / "acme")

    assert synced == [tmp_path, tmp_path / "ghcr.io"]


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        (errno.ENOSPC, "No space left on device", "Free some space on that disk"),
        (errno.EDQUOT, "Disk quota exceeded", "Free some space in this user's quota"),
        (errno.EROFS, "Read-only file system", "Mount that file system for writing"),
        (errno.EACCES, "Permission denied", "Give this user the right to read and write there"),
        (errno.EIO, "Input/output error", "Check that disk before you trust its content"),
        (errno.ENOLCK, "No locks available", "That file system has no kernel locks"),
        (errno.ENOTDIR, "Not a directory", "Correct the cause of this error"),
    ],
)
def test_what_the_system_refuses_is_said_with_path_and_advice(
    code: int, message: str, advice: str
) -> None:
    with pytest.raises(StateError) as caught, state_errors("write to", Path("state/lock")):
        raise OSError(code, os.strerror(code))

    assert str(caught.value) == f"cannot write to state/lock: {message}"
    assert caught.value.hint.startswith(advice)
    assert "--state" in caught.value.hint
    assert caught.value.exit_code == 8


def refuse(*_: object) -> None:
    """Stand in for a system call on a broken disk."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))
