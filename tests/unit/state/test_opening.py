"""A state that came with a checkout is refused: whoever writes a branch could write it."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import ExitCode, SettingsError
from reconciler.state.local import LocalState
from reconciler.state.opening import BackendSettings, open_state_at

KNOWN = BackendSettings(lambda: datetime(2026, 11, 2, tzinfo=UTC), "", None)
WHO = ("-c", "user.name=A", "-c", "user.email=a@example.com")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a clone with a state that nobody committed."""
    folder = tmp_path / "clone"
    (folder / ".reconciler" / "ghcr.io").mkdir(parents=True)
    (folder / ".reconciler" / "ghcr.io" / "journal.jsonl").write_text("{}\n")
    git(folder, "init", "--quiet")
    monkeypatch.chdir(folder)
    return folder


def refusal(place: str) -> SettingsError:
    with pytest.raises(SettingsError) as refused:
        open_state_at(place, KNOWN)
    assert refused.value.exit_code is ExitCode.BAD_POLICY
    return refused.value


def test_a_state_that_nobody_committed_is_opened(clone: Path) -> None:
    assert isinstance(open_state_at(".reconciler", KNOWN), LocalState)


@pytest.mark.usefixtures("clone")
def test_a_state_that_is_not_there_yet_is_opened() -> None:
    assert isinstance(open_state_at("elsewhere", KNOWN), LocalState)


@pytest.mark.parametrize("stand", [".", "deeper"])
def test_a_state_with_a_committed_file_is_refused_with_the_ways_out(
    clone: Path, monkeypatch: pytest.MonkeyPatch, stand: str
) -> None:
    git(clone, "add", "--force", ".reconciler")
    (clone / "deeper").mkdir()
    monkeypatch.chdir(clone / stand)
    place = os.path.relpath(clone / ".reconciler")

    error = refusal(place)

    assert "git tracks files of this state" in str(error)
    assert f"git rm -r --cached {place}" in error.hint
    assert ".gitignore" in error.hint
    assert "--state" in error.hint


def test_the_way_out_that_is_named_leads_out(clone: Path) -> None:
    git(clone, "add", "--force", ".reconciler")
    git(clone, "rm", "-r", "--cached", "--quiet", ".reconciler")

    assert isinstance(open_state_at(".reconciler", KNOWN), LocalState)


def test_a_tracked_link_that_leads_to_a_state_elsewhere_is_refused(
    clone: Path, tmp_path: Path
) -> None:
    (tmp_path / "theirs").mkdir()
    (clone / "linked").symlink_to(tmp_path / "theirs")
    git(clone, "add", "linked")

    assert "git tracks" in str(refusal("linked"))


def test_a_state_in_another_checkout_is_refused(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(clone, "add", "--force", ".reconciler")
    monkeypatch.chdir(tmp_path)

    assert "git tracks" in str(refusal(str(clone / ".reconciler")))


@pytest.mark.usefixtures("clone")
def test_where_git_cannot_say_the_state_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    error = refusal(".reconciler")

    assert "git cannot determine" in str(error)
    assert "outside of the work tree" in error.hint
