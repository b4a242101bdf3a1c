"""Which file system a path lies on, as far as the system tells."""

import re
from contextlib import suppress
from pathlib import Path

_MOUNTS = Path("/proc/self/mounts")
_NETWORK = {
    "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs",
    "lustre", "nfs", "nfs4", "smb3", "smbfs",
}  # fmt: skip


def network_filesystem(path: Path, mounts: Path = _MOUNTS) -> str:
    """Name the network file system a path lies on; empty if it is local, or cannot be told.

    Source: proc(5) and fstab(5): device, mount point with octal escapes, type, ...
    """
    resolved = path.resolve()
    # What is mounted later hides what was there, and an inner mount comes after the outer one.
    kinds = [kind for point, kind in _mounted(mounts) if resolved.is_relative_to(point)]
    return kinds[-1] if kinds and kinds[-1] in _NETWORK else ""


def _mounted(mounts: Path) -> list[tuple[Path, str]]:
    lines: list[str] = []
    with suppress(OSError):
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    fields = [line.split(" ") for line in lines]
    return [(Path(_unescaped(parts[1])), parts[2]) for parts in fields if len(parts) > 2]


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
