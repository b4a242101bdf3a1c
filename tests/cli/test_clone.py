"""In a clone of github.com, commands without a repository mean its packages."""

import subprocess
from pathlib import Path

import pytest

from reconciler.commands._names import names_here
from reconciler.git import repository_at


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a work tree without a remote."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("https://github.com/Acme/Web.git", "Acme/Web"),
        ("https://github.com/acme/web", "acme/web"),
        ("git@github.com:acme/web.git", "acme/web"),
        ("ssh://git@github.com/acme/web.git", "acme/web"),
        ("https://gitlab.com/acme/web.git", ""),
        ("https://github.com.example/acme/web", ""),
        ("/srv/git/acme/web", ""),
        ("", ""),
    ],
)
def test_only_github_has_packages(address: str, repository: str) -> None:
    assert repository_at(address) == repository


def test_the_names_of_packages_have_no_capitals(clone: Path) -> None:
    remote = "https://github.com/Acme/Web.git"
    subprocess.run(["git", "-C", str(clone), "remote", "add", "origin", remote], check=True)

    assert names_here() == ["ghcr.io/acme/web", "ghcr.io/acme/web/**"]


def test_a_work_tree_without_a_remote_has_no_packages(clone: Path) -> None:
    assert clone.is_dir()
    assert names_here() == []


def test_another_folder_has_no_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert names_here() == []
