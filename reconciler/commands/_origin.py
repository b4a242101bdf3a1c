"""Where this installation comes from: the repository and commit that workflows take the action of.

A workflow pins the action to a commit, and nobody wants to look one up. Known are: a release, which
carries both; what a package installer fetched with git; and a clone whose commit is on GitHub.
Sources: PEP 610, `direct_url.json`; git-remote(1).
"""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from reconciler.errors import GitError, InvalidNameError
from reconciler.formats.propose import ActionReference
from reconciler.git import WorkTree, repository_at, work_tree_of
from reconciler.version import COMMIT, DISTRIBUTION, SOURCE


def action_of_this_program() -> str:
    """Return the action as `uses` takes it, pinned to a commit; empty if that is not known."""
    if COMMIT:
        return f"{SOURCE}@{COMMIT}"
    try:
        text = distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        text = None
    return _installed_from(json.loads(text)) if text else ""


def _installed_from(origin: dict[str, object]) -> str:
    """Return the action for what `direct_url.json` says; empty if it is not on GitHub."""
    url, fetched = str(origin.get("url", "")), origin.get("vcs_info")
    if isinstance(fetched, dict):
        return _reference(url, str(fetched.get("commit_id", "")))
    if not url.startswith("file://"):
        return ""
    try:
        work_tree = work_tree_of(Path(unquote(urlsplit(url).path)))
        return _of_clone(work_tree) if work_tree else ""
    except GitError:
        return ""


def repository_of(folder: Path) -> str:
    """Return the GitHub repository that a clone was made of, as OWNER/NAME; empty if unknown."""
    try:
        work_tree = work_tree_of(folder)
        remote = work_tree.answer("remote", "get-url", "origin") if work_tree else None
    except GitError:
        return ""
    return repository_at(remote or "")


def _of_clone(work_tree: WorkTree) -> str:
    remote = work_tree.answer("remote", "get-url", "origin")
    commit = work_tree.answer("rev-parse", "HEAD")
    # A commit that was never pushed would be an action that no workflow finds.
    where = ("--count=1", "--contains=HEAD", "refs/remotes/origin")
    pushed = work_tree.answer("for-each-ref", *where)
    return _reference(remote, commit) if remote and commit and pushed else ""


def _reference(url: str, commit: str) -> str:
    named = repository_at(url)
    try:
        return ActionReference(f"{named}@{commit}") if named and commit else ""
    except InvalidNameError:
        return ""
