"""The files of a state belong to its owner, and no link is followed in their place."""

import os
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.model.inventory import Observations
from reconciler.state.durable import replace
from reconciler.state.local import LocalState
from tests.support.states import NOON, WEB, holder, intent


def write(root: Path) -> Path:
    """Begin a state; return the directory of the one repository."""
    state = LocalState(root).of(WEB)
    with state.lock(holder()):
        state.append("run-1", NOON, [intent()])
        state.save_observations(Observations())
    return root / WEB / "_"


def test_only_the_owner_can_read_what_is_made(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "state")
    finally:
        os.umask(before)

    for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_files_that_others_could_read_are_closed_when_they_are_written(tmp_path: Path) -> None:
    folder = write(tmp_path / "state")
    for name in ("journal.jsonl", "observations.json"):
        (folder / name).chmod(0o666)

    write(tmp_path / "state")

    for name in ("journal.jsonl", "observations.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["journal.jsonl", "observations.json"])
def test_a_link_in_the_place_of_a_file_is_neither_read_nor_written(
    tmp_path: Path, name: str
) -> None:
    folder = write(tmp_path / "state")
    victim = tmp_path / "victim"
    victim.write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(victim)
    before = victim.read_bytes()
    state = LocalState(tmp_path / "state").of(WEB)

    with state.lock(holder("run-2")), pytest.raises(StateError) as caught:
        (state.observations if name == "observations.json" else state.records)()

    assert "A file of the state was replaced by a link" in caught.value.hint
    assert victim.read_bytes() == before


@pytest.mark.parametrize("name", ["observations.json.new", "holder.json.new", "lock"])
def test_nothing_that_waits_under_a_name_of_ours_is_written_through(
    tmp_path: Path, name: str
) -> None:
    folder = write(tmp_path / "state")
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(victim)

    try:
        write(tmp_path / "state")
    except StateError:
        assert name == "lock"

    assert victim.read_text() == "untouched"
    assert victim.stat().st_mode & 0o777 != 0o600 or name != "lock"


def test_no_temporary_name_is_used_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    rename = Path.replace

    def noted(path: Path, target: Path) -> Path:
        seen.append(path.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    replace(tmp_path / "holder.json", b"a")
    replace(tmp_path / "holder.json", b"b")

    assert len(set(seen)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["holder.json"]
