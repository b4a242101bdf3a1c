"""Git and a work tree that a stranger has written: nothing of it is run, and no secret is there."""

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import GitError
from reconciler.git import WorkTree, work_tree_of
from reconciler.policyfile import load_revision
from tests.support.bare_folder import turn_into_repository

WHO = ("-c", "user.name=A", "-c", "user.email=a@example.com")
POLICY = """\
version: 1
policies:
  - name: web
    repositories: ["ghcr.io/acme/web"]
    rules:
      - {name: builds, match: {tags: ["sha-*"]}, keep: {last: 20}}
"""


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commit one policy, and stand in the clone."""
    folder = tmp_path / "clone"
    (folder / "policies").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "policies" / "web.yaml").write_text(POLICY)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "A")
    monkeypatch.chdir(folder)
    return folder


def standing_in(folder: Path) -> WorkTree:
    tree = work_tree_of(folder)
    assert tree is not None
    return tree


@pytest.mark.parametrize("stand", [".", "policies", "policies/objects"])
def test_a_folder_made_into_a_repository_runs_nothing(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand: str
) -> None:
    ran = tmp_path / "ran"
    turn_into_repository(clone / "policies", clone, git(clone, "rev-parse", "HEAD"), ran)
    monkeypatch.setenv("GITHUB_TOKEN", "s3cret")
    monkeypatch.chdir(clone / stand)

    revision = load_revision([clone / "policies"], "main")

    assert not ran.exists()
    # The policies are those of the clone, and not of the repository inside.
    assert [policy.name for policy in revision.policies.policies] == ["web"]


def test_git_inherits_no_secret_and_no_setting_of_a_repository(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    programs = tmp_path / "programs"
    programs.mkdir()
    stand_in = programs / "git"
    stand_in.write_text(f'#!/bin/sh\nenv >> "{seen}"\necho "{clone}"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "INPUT_TOKEN", "RECONCILER_STATE", "PGPASSWORD"):
        monkeypatch.setenv(name, "s3cret")
    monkeypatch.setenv("ACTIONS_RUNTIME_TOKEN", "s3cret")
    monkeypatch.setenv("GIT_DIR", str(clone / "policies"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "s3cret")

    standing_in(clone)

    told = seen.read_text()
    assert "s3cret" not in told
    assert "GIT_DIR" not in told
    assert "HOME=" in told


def test_a_program_that_the_clone_names_for_its_index_is_not_run(
    clone: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho ran >> "{ran}"\n')
    program.chmod(0o755)
    git(clone, "config", "core.fsmonitor", str(program))

    assert standing_in(clone).tracks(Path("policies"))

    assert not ran.exists()


def test_what_a_partial_clone_left_out_is_not_fetched(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(clone, "config", "uploadpack.allowFilter", "true")
    there = tmp_path / "partial"
    git(
        tmp_path,
        "clone",
        "--quiet",
        "--filter=blob:none",
        "--no-checkout",
        clone.as_uri(),
        there.name,
    )
    ran = tmp_path / "ran"
    git(there, "config", "remote.origin.uploadpack", f"touch '{ran}'; git-upload-pack")
    monkeypatch.chdir(there)

    with pytest.raises(GitError) as caught:
        load_revision([there / "policies"], "HEAD")

    assert not ran.exists()
    assert "without `--filter`" in caught.value.hint


def test_a_path_that_was_a_link_is_said_to_be_one(clone: Path) -> None:
    git(clone, "mv", "policies", "elsewhere")
    (clone / "policies").symlink_to("elsewhere")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "B")
    (clone / "policies").unlink()
    (clone / "policies").mkdir()

    (problem,) = load_revision([Path("policies")], "main").problems

    assert "this is a symbolic link in that revision" in str(problem)


def test_a_folder_that_became_a_link_is_compared_with_what_it_was(clone: Path) -> None:
    (clone / "lax").mkdir()
    (clone / "policies" / "web.yaml").rename(clone / "lax" / "web.yaml")
    (clone / "policies").rmdir()
    (clone / "policies").symlink_to("lax")

    revision = load_revision([Path("policies")], "main")

    assert [policy.name for policy in revision.policies.policies] == ["web"]


def test_what_is_tracked_is_known_for_files_folders_and_links(clone: Path, tmp_path: Path) -> None:
    (clone / "new").mkdir()
    tree = standing_in(clone)

    assert tree.tracks(Path("policies"))
    assert tree.tracks(Path("policies/web.yaml"))
    assert tree.tracks(clone)
    assert not tree.tracks(Path("new"))
    assert not tree.tracks(Path("missing"))
    assert not tree.tracks(tmp_path)
    assert not tree.tracks(Path("polic*"))


def test_a_way_to_the_clone_through_a_link_is_inside(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "short").symlink_to(clone)
    tree = standing_in(tmp_path / "short")

    assert tree.path_of(tmp_path / "short" / "policies") == "policies"
    assert tree.path_of(tmp_path / "short") == ""
    assert tree.path_of(tmp_path) is None


def test_outside_of_a_clone_there_is_no_work_tree(tmp_path: Path) -> None:
    assert work_tree_of(tmp_path) is None


def test_another_top_than_the_one_found_is_refused(clone: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    git(clone, "config", "core.worktree", str(tmp_path / "other"))

    with pytest.raises(GitError, match="git reports '.*other' as the top of this work tree"):
        work_tree_of(clone)


def test_without_git_it_says_so(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(GitError, match="git is not installed"):
        work_tree_of(clone)
