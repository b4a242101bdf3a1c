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
from reconciler.git import repository_at, work_tree_of
from reconciler.version import COMMIT, DISTRIBUTION, SOURCE


def action_of_this_program() -> str:
    """Return the action as `uses` takes it, pinned to a commit; empty if that is not known."""
    if COMMIT:
        return f"{SOURCE}@{COMMIT}"
    try:
        text = distribution(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        text = None
    origin = json.loads(text) if text else {}
    url, fetched = str(origin.get("url", "")), origin.get("vcs_info")
    if isinstance(fetched, dict):
        return _reference(url, str(fetched.get("commit_id", "")))
    try:
        clone = url.startswith("file://") and work_tree_of(Path(unquote(urlsplit(url).path)))
        if not clone:
            return ""
        # A commit that was never pushed would be an action that no workflow finds.
        where = ("--count=1", "--contains=HEAD", "refs/remotes/origin")
        if not clone.answer("for-each-ref", *where):
            return ""
        remote = clone.answer("remote", "get-url", "origin") or ""
        return _reference(remote, clone.answer("rev-parse", "HEAD") or "")
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


def _reference(url: str, commit: str) -> str:
    named = repository_at(url)
    try:
        return ActionReference(f"{named}@{commit}") if named and commit else ""
    except InvalidNameError:
        return ""
