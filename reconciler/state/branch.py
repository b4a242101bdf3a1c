"""Keep the state on a branch of a GitHub repository: each write is a commit on an expected head.

GitHub makes such a commit only if the branch still ends with the expected commit, so that no file
has changed since it was read. Source: GitHub's GraphQL reference, `createCommitOnBranch`.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from threading import RLock
from urllib.parse import parse_qs, urlsplit
from weakref import finalize

from reconciler.errors import SettingsError, StateError, UnreachableError
from reconciler.github.client import GitHubClient
from reconciler.github.contents import GitApi, TreeEntry, blob_sha, state_of_github
from reconciler.model.ports import State
from reconciler.state.address import Address
from reconciler.state.objects import ObjectState
from reconciler.state.opening import BackendSettings
from reconciler.state.store import LeaseTiming, Stored, Times, object_missing
from reconciler.transport.watch import RunClock

LEASE_SECONDS = 600.0
"""How long a lock lasts without renewal, in seconds; long, since each renewal is a commit."""

TRIES = 30
"""How often a commit is tried while other runs commit to the same branch."""

_LONGEST_PAUSE = 0.5
"""Longest pause between two tries, in seconds; it is random, so that runs do not collide again."""

# Names and paths of GitHub that need no encoding in the URL of a request.
_PART = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_PLACE = re.compile(rf"{_PART}/{_PART}/{_PART}(?:/{_PART})*")
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_ABOUT = """The state of Reconciler: what was deleted from container registries, and why.

Do not edit it by hand. `reconciler log list` reads it.
"""


def open_at(address: Address, settings: BackendSettings) -> State:
    """Open the state on a branch; nothing is sent yet.

    Raises: SettingsError, when the address is invalid, or there is no token.
    """
    store = branch_at(address, settings)
    return ObjectState(store, Times(settings.clock), LeaseTiming(lease=LEASE_SECONDS))


def branch_at(address: Address, settings: BackendSettings) -> "Branch":
    """Open the store on a branch: `github://OWNER/REPOSITORY/BRANCH?path=FOLDER`.

    Raises: SettingsError, when the address is invalid, or there is no token.
    """
    parts = urlsplit(address.text)
    place = f"{parts.netloc}{parts.path}"
    folder = parse_qs(parts.query).get("path", [""])[0].strip("/")
    # Git forbids `..` in the name of a branch; in the URL of a request it would mean another path.
    if (
        not _PLACE.fullmatch(place)
        or (folder and not _PATH.fullmatch(folder))
        or ".." in address.text
    ):
        raise SettingsError(
            f"{str(address)[:200]!r} is not a valid address of a branch",
            hint="Write github://OWNER/REPOSITORY/BRANCH, optionally with ?path=FOLDER.",
        )
    if settings.github_token is None:
        raise SettingsError(
            f"the state at {address} needs a token",
            hint="Set GITHUB_TOKEN to one that may write to the contents of that repository.",
        )
    owner, name, branch = place.split("/", 2)
    client = GitHubClient.open(
        settings.github_api,
        settings.github_token.get_secret_value(),
        RunClock(settings.clock),
    )
    store = Branch(str(address), GitApi(client, f"{owner}/{name}", branch), folder)
    # A state has no method `close`: its connections are closed with the last use of the store.
    finalize(store, client.close)
    return store


class Branch:
    """A directory of a branch, as a store. Shape: the version of a file is the SHA of its blob."""

    def __init__(self, place: str, api: GitApi, folder: str) -> None:
        """Use a directory of a branch; nothing is sent yet."""
        self.place = place
        self._api = api
        self._folder = f"{folder}/" if folder else ""
        self._head = ""
        self._committed: dict[str, str] = {}
        """The files committed by this process after `_base`, with the SHA of their blobs."""

        self._base = ""
        self._past_heads: set[str] = set()
        """Earlier heads of the branch: a response with one of them is stale."""

        self._trees: dict[str, Mapping[str, TreeEntry]] = {}
        self._written: dict[str, bytes] = {}
        self._mutex = RLock()

    def get(self, name: str) -> Stored | None:
        """Read a file as it is now; None if it does not exist."""
        with self._mutex, state_of_github():
            self._refresh()
            sha = self._sha(self._folder + name)
            if sha is None:
                return None
            if sha not in self._written:
                (self._written[sha],) = self._api.blobs([sha])
            return Stored(self._written[sha], sha)

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read files that are never replaced, in the order of `names`."""
        with state_of_github():
            # Outside of the lock: who reads only the first files would keep it.
            yield from self._api.blobs(self._shas(names))

    def _shas(self, names: Sequence[str]) -> Sequence[str]:
        """Return the SHA of each file; they are the same at every later head, so none is read."""
        with self._mutex:
            if not self._head:
                self._refresh()
            shas: list[str] = []
            for name in names:
                sha = self._sha(self._folder + name)
                if sha is None:
                    raise object_missing(self, name)
                shas.append(sha)
            return shas

    def names(self, folder: str) -> Sequence[str]:
        """List the names below a directory, sorted."""
        with self._mutex, state_of_github():
            self._refresh()
            prefix = self._folder + folder
            entry = self._entry(prefix.rstrip("/"))
            names = set(self._below(entry, prefix.rstrip("/"))) if entry else set()
            # What this process committed after `_base` is not in the trees that were read.
            names |= {name for name in self._committed if name.startswith(prefix)}
            return sorted(name.removeprefix(self._folder) for name in names)

    def create(self, name: str, content: bytes) -> str | None:
        """Create a file; return its version, None if it exists already."""
        return self._write(name, content, None)

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Replace one version of a file; return the new version, None if it was changed."""
        return self._write(name, content, version)

    def check(self) -> None:
        """Create the branch if it is missing; GitHub itself guarantees the conditional writes."""
        with self._mutex, state_of_github():
            self._require_branch()

    def _write(self, name: str, content: bytes, before: str | None) -> str | None:
        path, sha = self._folder + name, blob_sha(content)
        with self._mutex, state_of_github():
            self._require_branch()
            for _ in range(TRIES):
                current = self._sha(path)
                # An earlier try may have been made although its response was lost.
                if current == sha:
                    return sha
                if current != before:
                    return None
                # Refused when any file of the branch has changed; this one may still be as before.
                if self._commit(path, content):
                    return sha
                time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - no secret
                self._refresh()
        raise StateError(
            f"{self.place}: other runs wrote to the branch during each of {TRIES} tries",
            hint="Run again. For so many parallel runs, keep the state in an object store.",
        )

    def _commit(self, path: str, content: bytes) -> bool:
        """Commit a file; return whether the commit was made for sure."""
        try:
            head = self._api.commit(self._head, path, content)
        except UnreachableError:
            # The commit may have been made: the caller reads the branch and finds out.
            return False
        if head is None:
            return False
        self._past_heads.add(self._head)
        self._head = head
        self._committed[path] = blob_sha(content)
        self._written[self._committed[path]] = content
        return True

    def _require_branch(self) -> None:
        """Read the head of the branch, if it is not known; create the branch, if it is missing."""
        if not self._head:
            self._refresh()
        if not self._head:
            self._api.begin(f"{self._folder}README", _ABOUT)
            self._refresh()

    def _refresh(self) -> None:
        """Read the head of the branch; if another process moved it, read all files again."""
        head = self._api.head()
        # Right after a commit GitHub may still return an earlier head: that is no news.
        if head != self._head and head not in self._past_heads:
            self._past_heads.add(self._head)
            self._head = self._base = head
            self._committed.clear()

    def _sha(self, path: str) -> str | None:
        """Return the SHA of a file's blob; None if the file does not exist."""
        if path in self._committed:
            return self._committed[path]
        entry = self._entry(path)
        return entry.sha if entry and not entry.is_tree else None

    def _entry(self, path: str) -> TreeEntry | None:
        """Find a file or directory in the commit that was read last."""
        if not self._base:
            return None
        entry: TreeEntry | None = TreeEntry(self._base, is_tree=True)
        for part in filter(None, path.split("/")):
            entry = self._tree(entry.sha).get(part) if entry and entry.is_tree else None
        return entry

    def _below(self, entry: TreeEntry, path: str) -> Iterator[str]:
        """Yield the files below a directory."""
        if not entry.is_tree:
            yield path
            return
        for name, inner in self._tree(entry.sha).items():
            yield from self._below(inner, f"{path}/{name}".lstrip("/"))

    def _tree(self, sha: str) -> Mapping[str, TreeEntry]:
        # The SHA is that of the content, so a tree that was read is never out of date.
        if sha not in self._trees:
            self._trees[sha] = self._api.tree(sha)
        return self._trees[sha]
