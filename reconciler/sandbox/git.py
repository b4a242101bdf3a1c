"""Git repositories of the sandbox: blobs, trees and commits by their hash, and branches."""

import json
from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. Shape: `files` maps every path of its tree to the hash of a blob."""

    sha: str
    files: dict[str, str]


@dataclass
class GitRepository:
    """One repository; objects are keyed by their hash."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    """The files of each tree that was ever listed or written, by its hash."""

    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def add_blob(self, content: bytes) -> str:
        """Store a blob; return its hash."""
        sha = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        self.blobs[sha] = content
        return sha

    def add_tree(self, files: dict[str, str]) -> str:
        """Store a tree; return its hash, which is not git's but is unique."""
        sha = _name("tree", files)
        self.trees[sha] = files
        return sha

    def add_commit(self, files: dict[str, str], parents: list[str], message: str) -> Commit:
        """Store a commit of a tree; its number makes the hash differ from an equal one's."""
        sha = _name("commit", [files, parents, message, len(self.commits)])
        self.commits[sha] = Commit(sha, files)
        self.add_tree(files)
        return self.commits[sha]

    def listing(self, sha: str) -> list[dict[str, Any]] | None:
        """List a tree, or that of a commit, one level deep; None if it does not exist."""
        commit = self.commits.get(sha)
        files = commit.files if commit else self.trees.get(sha)
        if files is None:
            return None
        below: dict[str, dict[str, str]] = {}
        entries: list[dict[str, Any]] = []
        for path, blob in files.items():
            folder, slash, rest = path.partition("/")
            if slash:
                below.setdefault(folder, {})[rest] = blob
            else:
                entries.append({"path": path, "mode": "100644", "type": "blob", "sha": blob})
        for folder, inner in below.items():
            # A client asks for the tree of a folder by the hash that it gets here.
            tree = self.add_tree(inner)
            entries.append({"path": folder, "mode": "040000", "type": "tree", "sha": tree})
        return sorted(entries, key=lambda entry: str(entry["path"]))


def _name(kind: str, content: object) -> str:
    text = json.dumps([kind, content], sort_keys=True)
    return sha1(text.encode(), usedforsecurity=False).hexdigest()
