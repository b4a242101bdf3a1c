"""Change files durably: when a function returns, the content and the name are on the disk.

A crash may leave a temporary file, but never an incomplete file under its own name.
"""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler.errors import StateError

PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
"""Modes of new files and directories: only their owner may read and write them."""

_ELSEWHERE = "or keep the state elsewhere with `--state`"
_ADVICE = {
    errno.ENOSPC: f"Free some space on that disk, {_ELSEWHERE}.",
    errno.EDQUOT: f"Free some space in this user's quota, {_ELSEWHERE}.",
    errno.EROFS: f"Mount that file system for writing, {_ELSEWHERE}.",
    errno.EACCES: f"Give this user the right to read and write there, {_ELSEWHERE}.",
    errno.EPERM: f"Give this user the right to read and write there, {_ELSEWHERE}.",
    errno.EIO: f"Check that disk before you trust its content, {_ELSEWHERE}.",
    errno.ELOOP: f"A file of the state was replaced by a link: remove it, {_ELSEWHERE}.",
    errno.ENOSYS: "That file system has no kernel locks: keep the state elsewhere with `--state`.",
    errno.ENOLCK: "That file system has no kernel locks: keep the state elsewhere with `--state`.",
}
_DEFAULT_ADVICE = f"Correct the cause of this error, {_ELSEWHERE}."

_MOUNTS = Path("/proc/self/mounts")
# Whether a kernel lock excludes other machines there depends on the server and on mount options.
_NETWORK = {
    "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs",
    "lustre", "nfs", "nfs4", "smb3", "smbfs",
}  # fmt: skip


@contextmanager
def state_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn an error of the system into a StateError with path, cause and hint."""
    try:
        yield
    except OSError as error:
        raise StateError(
            f"cannot {doing} {path}: {error.strerror or error}",
            hint=_ADVICE.get(error.errno or 0, _DEFAULT_ADVICE),
        ) from error


def write_through(descriptor: int, content: bytes) -> None:
    """Write all of the content and wait until the disk has it."""
    # A full disk accepts a part of the content; only another write reports the error.
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Wait until the disk has the names in a directory: fsync of a file does not include them."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory and its missing parents, each one durably."""
    if path.is_dir():
        return
    make_directory(path.parent)
    # Another run may create it at the same time, which is no error.
    path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    sync_directory(path.parent)


def open_private(path: Path, flags: int) -> int:
    """Open a file of the state, as `os.open` does; links are refused, other users have no access.

    A file of an earlier release that other users can read is made private, if this user owns it.
    """
    # Another user may have put a link to one of this user's files there. A child process such as
    # git must not inherit the descriptor.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    # A command that only reads changes nothing.
    if flags & (os.O_WRONLY | os.O_RDWR):
        status = os.fstat(descriptor)
        if status.st_mode & 0o077 and status.st_uid == os.geteuid():
            os.fchmod(descriptor, PRIVATE_FILE)
    return descriptor


def read_private(path: Path) -> bytes:
    """Read a whole file of the state; a link in its place is refused."""
    with os.fdopen(open_private(path, os.O_RDONLY), "rb") as file:
        return file.read()


def create_private(path: Path, content: bytes) -> None:
    """Write a new file, which must not exist, and wait until the disk has it."""
    with os.fdopen(
        open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb", buffering=0
    ) as file:
        write_through(file.fileno(), content)


def replace(path: Path, content: bytes) -> None:
    """Replace the content of a file, all or nothing. Only one process may do so at a time."""
    # Temporary files of killed runs. The name of a new one is random, so that no other user can
    # place a file or link there in advance.
    for stale in path.parent.glob(f"{path.name}.new*"):
        stale.unlink()
    fresh = path.with_name(f"{path.name}.new-{secrets.token_hex(8)}")
    create_private(fresh, content)
    # Atomic: after a crash there is the whole old file or the whole new one.
    fresh.replace(path)
    # Until the directory is on the disk, a crash could bring the old file back.
    sync_directory(path.parent)


def network_filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """Return the type of the network file system that has a path; empty if local or unknown.

    Source: proc(5) and fstab(5): device, mount point with octal escapes, type, ...
    """
    resolved, kind = path.resolve(), ""
    lines: list[str] = []
    # Without /proc, as on macOS, the type is unknown; it only decides about a warning.
    with suppress(OSError):
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    for fields in (line.split(" ") for line in lines):
        if len(fields) > 2:
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1])
            # A later mount hides an earlier one, and inner mounts are listed after outer ones.
            kind = fields[2] if resolved.is_relative_to(point) else kind
    return kind if kind in _NETWORK else ""
