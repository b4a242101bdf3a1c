"""Durable changes to files: what has returned is on the disk, and so is its name.

A crash may leave a temporary file behind, never half a file under its own name.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import StateError

_ELSEWHERE = "or keep the state elsewhere with `--state`"
_ADVICE = {
    errno.ENOSPC: f"Free some space on that disk, {_ELSEWHERE}.",
    errno.EDQUOT: f"Free some space in this user's quota, {_ELSEWHERE}.",
    errno.EROFS: f"Mount that file system for writing, {_ELSEWHERE}.",
    errno.EACCES: f"Give this user the right to read and write there, {_ELSEWHERE}.",
    errno.EPERM: f"Give this user the right to read and write there, {_ELSEWHERE}.",
    errno.EIO: f"Check that disk before you trust what it holds, {_ELSEWHERE}.",
    errno.ENOSYS: "That file system has no kernel locks: keep the state elsewhere with `--state`.",
    errno.ENOLCK: "That file system has no kernel locks: keep the state elsewhere with `--state`.",
}
_OTHERWISE = f"Correct what the system complains of, {_ELSEWHERE}."


@contextmanager
def state_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn what the system refuses into a StateError with path, cause and advice."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"cannot {doing} {path}: {error.strerror or error}",
            hint=_ADVICE.get(error.errno or 0, _OTHERWISE),
        ) from error


def write_through(descriptor: int, content: bytes) -> None:
    """Write all of the content and wait until the disk has it."""
    # A disk that fills up takes a part; only asking again tells why it took no more.
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until the disk has the names in a directory."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory and what is missing above it, each one durably."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put new content in the place of a file, all or nothing.

    Only one writer at a time: the temporary file has a fixed name, so that a killed writer's is
    overwritten by the next one instead of staying for ever.
    """
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb", buffering=0) as file:
        write_through(file.fileno(), content)
    fresh.replace(path)
    sync_directory(path.parent)
