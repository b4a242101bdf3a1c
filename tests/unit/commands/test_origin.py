"""Where an installation comes from: of releases, of what git fetched, and of clones."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.commands import _origin
from reconciler.commands._origin import action_of_this_program
from reconciler.formats.propose import ActionReference, write_workflow
from reconciler.version import SOURCE

COMMIT = "0123456789" * 4
Installed = Callable[[dict[str, object]], None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Make the installation say where it comes from."""

    class Metadata:
        def __init__(self, origin: dict[str, object]) -> None:
            self.origin = origin

        def read_text(self, name: str) -> str | None:
            """Return what the installer wrote."""
            return json.dumps(self.origin) if self.origin and name == "direct_url.json" else None

    def say(origin: dict[str, object]) -> None:
        monkeypatch.setattr(_origin, "distribution", lambda _: Metadata(origin))

    return say


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/reconciler",
        "https://github.com/acme/reconciler.git",
        "ssh://git@github.com/acme/reconciler.git",
    ],
)
def test_what_git_fetched_is_the_action_at_that_commit(installed: Installed, url: str) -> None:
    installed({"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}})

    assert action_of_this_program() == f"acme/reconciler@{COMMIT}"


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"url": "https://files.example/reconciler.whl", "archive_info": {}},
        {"url": "https://git.example/acme/x", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        {"url": "https://github.com/acme/x\ny", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        {"url": "https://github.com/acme/x", "vcs_info": {"vcs": "git", "commit_id": "a b"}},
        {"url": "https://github.com/acme/x", "vcs_info": {"vcs": "git"}},
        {"url": "file:///no/such/folder", "dir_info": {}},
    ],
)
def test_any_other_origin_is_unknown(installed: Installed, origin: dict[str, object]) -> None:
    installed(origin)

    assert action_of_this_program() == ""


def test_a_clone_is_the_action_once_its_commit_is_on_github(
    installed: Installed, tmp_path: Path
) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "commit", "--quiet", "--allow-empty", "--message=first")
    git(clone, "remote", "add", "origin", "git@github.com:acme/reconciler.git")
    installed({"url": clone.as_uri(), "dir_info": {"editable": True}})

    before = action_of_this_program()
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD")
    pushed = action_of_this_program()
    git(clone, "commit", "--quiet", "--allow-empty", "--message=second")

    assert before == ""
    assert pushed == f"acme/reconciler@{git(clone, 'rev-parse', 'HEAD~1')}"
    assert action_of_this_program() == ""


def test_a_release_knows_its_commit_and_the_workflow_says_which_release(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("reconciler.commands._origin", "reconciler.formats.propose"):
        monkeypatch.setattr(f"{module}.COMMIT", COMMIT)

    action = action_of_this_program()

    assert action == f"{SOURCE}@{COMMIT}"
    workflow = write_workflow(Path("policies/web.yaml"), ActionReference(action))
    assert workflow.count(f"uses: {action}  # v0.1.0\n") == 2
