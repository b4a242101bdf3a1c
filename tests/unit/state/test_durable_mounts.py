"""A state on another machine's disk is recognised by the table of mounts."""

from pathlib import Path

import pytest

from reconciler.state.durable import network_filesystem

TABLE = r"""
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw,nosuid 0 0
files:/export /srv/team nfs4 rw,vers=4.2 0 0
tmpfs /srv/team/scratch tmpfs rw 0 0
//files/with\040space /srv/with\040space cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/team", "nfs4"),
        ("/srv/team/a/.reconciler", "nfs4"),
        ("/srv/with space/.reconciler", "cifs"),
        ("/srv/teams/.reconciler", ""),
        ("/srv/team/scratch/.reconciler", ""),
        ("/home/octocat/.reconciler", ""),
    ],
)
def test_the_last_mount_above_a_path_decides(tmp_path: Path, path: str, kind: str) -> None:
    table = tmp_path / "mounts"
    table.write_text(TABLE)

    assert network_filesystem(Path(path), table) == kind


def test_of_two_mounts_on_one_point_the_later_one_decides(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text("/dev/vdb /srv ext4 rw 0 0\nfiles:/export /srv nfs rw 0 0\n")

    assert network_filesystem(Path("/srv/state"), table) == "nfs"


def test_a_system_without_such_a_table_tells_nothing(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "missing") == ""
