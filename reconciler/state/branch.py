"""The state on a branch of a GitHub repository: each write is a commit that expects a head.

GitHub makes such a commit only where the branch ends as expected, so what was true of the files
there when we looked is true still when they change.
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
from reconciler.state.store import LeaseTiming, Stored, Times, missing
from reconciler.transport.watch import RunClock

LEASE_SECONDS = 600.0
"""How long a lock is held without being renewed, in seconds: each renewal is a commit."""

TRIES = 30
"""How often a commit is made anew because the branch has moved."""

_LONGEST_PAUSE = 0.5
"""Longest pause before that, in seconds; those who collided do not collide again."""

_PART = r"[A-Za-z0-9_.][A-Za-z0-9_.-]*"
_PLACE = re.compile(rf"{_PART}/{_PART}/{_PART}(?:/{_PART})*")
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_ABOUT = """The state of Reconciler: what was deleted from container registries, and why.

Do not edit it by hand. `reconciler log` reads it.
"""


def open_at(address: Address, surroundings: BackendSettings) -> State:
    """Open the state on a branch; nothing is sent yet.

    Raises: SettingsError, when the address cannot be used, or there is no token.
    """
    store = branch_at(address, surroundings)
    return ObjectState(store, Times(surroundings.clock), LeaseTiming(lease=LEASE_SECONDS))


def branch_at(address: Address, surroundings: BackendSettings) -> "Branch":
    """Open the store on a branch: `github://OWNER/REPOSITORY/BRANCH?path=FOLDER`.

    Raises: SettingsError, when the address cannot be used, or there is no token.
    """
    parts = urlsplit(address.text)
    place = f"{parts.netloc}{parts.path}"
    folder = parse_qs(parts.query).get("path", [""])[0].strip("/")
    if (
        not _PLACE.fullmatch(place)
        or (folder and not _PATH.fullmatch(folder))
        or ".." in address.text
    ):
        raise SettingsError(
            f"{str(address)[:200]!r} is not the address of a branch",
            hint="Write github://OWNER/REPOSITORY/BRANCH, or with ?path=FOLDER at its end.",
        )
    if surroundings.github_token is None:
        raise SettingsError(
            f"the state at {address} needs a token",
            hint="Set GITHUB_TOKEN to one that may write to the contents of that repository.",
        )
    owner, name, branch = place.split("/", 2)
    client = GitHubClient.open(
        surroundings.github_api,
        surroundings.github_token.get_secret_value(),
        RunClock(surroundings.clock),
    )
    store = Branch(str(address), GitApi(client, f"{owner}/{name}", branch), folder)
    finalize(store, client.close)
    return store


class Branch:
    """A folder of a branch, as a store. Shape: the version of a file is the name of its blob."""

    def __init__(self, place: str, api: GitApi, folder: str) -> None:
        """Remember them; nothing is sent yet."""
        self.place = place
        self._api = api
        self._folder = f"{folder}/" if folder else ""
        self._head = ""
        self._ours: dict[str, str] = {}
        """The files that we committed since `_base` was the head, and the names of their blobs."""

        self._base = ""
        self._passed: set[str] = set()
        """Where the branch ended before: an answer that names one of them is an old one."""

        self._trees: dict[str, Mapping[str, TreeEntry]] = {}
        self._written: dict[str, bytes] = {}
        self._turn = RLock()

    def get(self, name: str) -> Stored | None:
        """Read a file as it is now; None where there is none."""
        with self._turn, state_of_github():
            self._look()
            sha = self._sha(self._folder + name)
            if sha is None:
                return None
            if sha not in self._written:
                (self._written[sha],) = self._api.blobs([sha])
            return Stored(self._written[sha], sha)

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read files that are never replaced, in the order of their names here."""
        with self._turn, state_of_github():
            if not self._head:
                self._look()
            yield from self._api.blobs([self._known_sha(name) for name in names])

    def names(self, folder: str) -> Sequence[str]:
        """List the names that begin with a folder's, sorted."""
        with self._turn, state_of_github():
            self._look()
            prefix = self._folder + folder
            held = self._entry(prefix.rstrip("/"))
            names = set(self._below(held, prefix.rstrip("/"))) if held else set()
            names |= {name for name in self._ours if name.startswith(prefix)}
            return sorted(name.removeprefix(self._folder) for name in names)

    def create(self, name: str, content: bytes) -> str | None:
        """Write a file that does not exist; return its version, None where it exists."""
        return self._write(name, content, None)

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Write in the place of one version; return the new one, None where it is another."""
        return self._write(name, content, version)

    def check(self) -> None:
        """Create the branch where it is missing; its conditions are GitHub's own."""
        with self._turn, state_of_github():
            self._require_branch()

    def _write(self, name: str, content: bytes, before: str | None) -> str | None:
        path, sha = self._folder + name, blob_sha(content)
        with self._turn, state_of_github():
            self._require_branch()
            for _ in range(TRIES):
                current = self._sha(path)
                if current == sha:
                    return sha
                if current != before:
                    return None
                if self._commit(path, content):
                    return sha
                time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - no secret
                self._look()
        raise StateError(
            f"{self.place}: others wrote to the branch each of {TRIES} times",
            hint="Run again. A state that so many write to is better off in an object store.",
        )

    def _commit(self, path: str, content: bytes) -> bool:
        """Commit a file; tell whether it is there now. A lost answer is found out by looking."""
        try:
            head = self._api.commit(self._head, path, content)
        except UnreachableError:
            return False
        if head is None:
            return False
        self._passed.add(self._head)
        self._head = head
        self._ours[path] = blob_sha(content)
        self._written[self._ours[path]] = content
        return True

    def _require_branch(self) -> None:
        """Look where the branch ends, if that is not known; begin one, if there is none."""
        if not self._head:
            self._look()
        if not self._head:
            self._api.begin(f"{self._folder}README", _ABOUT)
            self._look()

    def _look(self) -> None:
        """Learn where the branch ends now; if not where we left it, all is read anew."""
        head = self._api.head()
        if head != self._head and head not in self._passed:
            self._passed.add(self._head)
            self._head = self._base = head
            self._ours.clear()

    def _known_sha(self, name: str) -> str:
        sha = self._sha(self._folder + name)
        if sha is None:
            raise missing(self, name)
        return sha

    def _sha(self, path: str) -> str | None:
        """Name the blob of a file; None where there is none."""
        if path in self._ours:
            return self._ours[path]
        entry = self._entry(path)
        return entry.sha if entry and not entry.is_tree else None

    def _entry(self, path: str) -> TreeEntry | None:
        """Find a file or folder as of the commit that was read last."""
        if not self._base:
            return None
        entry: TreeEntry | None = TreeEntry(self._base, is_tree=True)
        for part in filter(None, path.split("/")):
            entry = self._tree(entry.sha).get(part) if entry and entry.is_tree else None
        return entry

    def _below(self, entry: TreeEntry, path: str) -> Iterator[str]:
        """Yield the files below a folder."""
        if not entry.is_tree:
            yield path
            return
        for name, inner in self._tree(entry.sha).items():
            yield from self._below(inner, f"{path}/{name}".lstrip("/"))

    def _tree(self, sha: str) -> Mapping[str, TreeEntry]:
        if sha not in self._trees:
            self._trees[sha] = self._api.tree(sha)
        return self._trees[sha]
