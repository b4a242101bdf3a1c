"""The state backends under test: how to open one at a place, and how to meddle with a journal."""

import os
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import httpx
import obstore
import psycopg
from obstore.store import ObjectStore as Client
from obstore.store import from_url

from reconciler.model.names import Repository
from reconciler.model.ports import State
from reconciler.state.address import Address
from reconciler.state.branch import Branch, branch_at
from reconciler.state.opening import open_state_at
from tests.support.backend_settings import GITHUB, TOKEN, known
from tests.support.object_store import BUCKET

DATABASE = "TESTS_DATABASE"
"""The environment variable that leads to the PostgreSQL server of the tests."""

STATE = "acme/state"
"""The repository whose branches hold states."""


class Journal(Protocol):
    """The journal of one repository, seen from outside."""

    def read(self) -> bytes:
        """Read all its lines."""

    def write(self, content: bytes) -> None:
        """Put other lines in the place of all."""

    def remove(self) -> None:
        """Take it away."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A state backend: where it is for a folder of the test, and its journals from outside.

    Shape: `tears` tells whether a killed append may leave a part of it, and `lapses` whether the
        lock of a killed run is free only after a while; `turns` says how often it is worth taking.
    """

    address: Callable[[Path], str]
    journal: Callable[[Path, Repository], Journal]
    tears: bool = False
    lapses: bool = False
    turns: int = 6

    def open(self, place: Path, ahead: timedelta = timedelta()) -> State:
        """Open the state that belongs to a folder, on a machine whose clock is so much ahead."""
        return open_state_at(self.address(place), known(ahead))


@dataclass(frozen=True, slots=True)
class JournalFile:
    """The file of a journal."""

    place: Path
    repository: Repository

    def read(self) -> bytes:
        """Read the file."""
        return self._path.read_bytes()

    def write(self, content: bytes) -> None:
        """Replace the file."""
        self._path.write_bytes(content)

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink()

    @property
    def _path(self) -> Path:
        return self.place / self.repository / "_" / "journal.jsonl"


@dataclass(frozen=True, slots=True)
class JournalObjects:
    """The objects of a journal."""

    place: Path
    repository: Repository

    def read(self) -> bytes:
        """Read all objects, one after the other."""
        return b"".join(bytes(obstore.get(self._store, name).bytes()) for name in self._names)

    def write(self, content: bytes) -> None:
        """Put what is the same up to an append there, and the rest into the object after it."""
        left = content
        for name in self._names:
            stored = bytes(obstore.get(self._store, name).bytes())
            if not left.startswith(stored):
                break
            left = left[len(stored) :]
        else:
            seq = len(content.splitlines()) - len(left.splitlines()) + 1
            name = f"journals/{self.repository}/_/{seq:014}"
        obstore.put(self._store, name, left)

    def remove(self) -> None:
        """Delete all objects."""
        obstore.delete(self._store, self._names)

    @property
    def _store(self) -> Client:
        return from_url(_bucket(self.place), client_options={"allow_http": True})

    @property
    def _names(self) -> list[str]:
        found = obstore.list(self._store, f"journals/{self.repository}/_").collect()
        return sorted(one["path"] for one in found)


@dataclass(frozen=True, slots=True)
class JournalRows:
    """The rows of a journal."""

    place: Path
    repository: Repository

    def read(self) -> bytes:
        """Read all rows."""
        query = "SELECT line FROM reconciler_journal WHERE repository = %s ORDER BY seq"
        with psycopg.connect(_database(self.place)) as session:
            rows = session.execute(query, [self.repository]).fetchall()
        return b"".join(bytes(line) for (line,) in rows)

    def write(self, content: bytes) -> None:
        """Put other rows in the place of all."""
        lines = enumerate(content.splitlines(keepends=True), 1)
        rows = [(self.repository, number, line) for number, line in lines]
        self.remove()
        with psycopg.connect(_database(self.place)) as session, session.cursor() as cursor:
            cursor.executemany("INSERT INTO reconciler_journal VALUES (%s, %s, %s)", rows)

    def remove(self) -> None:
        """Delete all rows."""
        query = "DELETE FROM reconciler_journal WHERE repository = %s"
        with psycopg.connect(_database(self.place)) as session:
            session.execute(query, [self.repository])


@dataclass(frozen=True, slots=True)
class JournalCommits:
    """The files of a journal on a branch."""

    place: Path
    repository: Repository

    def read(self) -> bytes:
        """Read all files, one after the other."""
        return b"".join(self._store.contents(self._names))

    def write(self, content: bytes) -> None:
        """Put what is the same up to an append there, and the rest into the file after it."""
        left, names = content, self._names
        for name, stored in zip(names, list(self._store.contents(names)), strict=True):  # noqa: B007 - read below
            if not left.startswith(stored):
                break
            left = left.removeprefix(stored)
        else:
            seq = len(content.splitlines()) - len(left.splitlines()) + 1
            name = f"journals/{self.repository}/_/{seq:014}"
        addition = {"path": name, "contents": b64encode(left).decode()}
        self._commit({"additions": [addition]})

    def remove(self) -> None:
        """Delete all files."""
        self._commit({"deletions": [{"path": name} for name in self._names]})

    @property
    def _store(self) -> Branch:
        return branch_at(Address(_branch(self.place)), known())

    @property
    def _names(self) -> list[str]:
        return list(self._store.names(f"journals/{self.repository}/_/"))

    def _commit(self, changes: object) -> None:
        with httpx.Client(
            base_url=os.environ[GITHUB],
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
        ) as github:
            head = github.get(f"/repos/{STATE}/git/ref/heads/{_own(self.place)}").json()
            made = {
                "branch": {"repositoryNameWithOwner": STATE, "branchName": _own(self.place)},
                "message": {"headline": "meddling"},
                "expectedHeadOid": head["object"]["sha"],
                "fileChanges": changes,
            }
            asked = {"query": "mutation {createCommitOnBranch}", "variables": {"input": made}}
            github.post("/graphql", json=asked).raise_for_status()


def _own(place: Path) -> str:
    """Name a part of a server that belongs to one folder."""
    return f"t{sha256(bytes(place)).hexdigest()[:20]}"


def _bucket(place: Path) -> str:
    return f"s3://{BUCKET}/{_own(place)}"


def _branch(place: Path) -> str:
    return f"github://{STATE}/{_own(place)}"


def _database(place: Path) -> str:
    """Give each folder a schema of its own."""
    server, schema = os.environ[DATABASE], _own(place)
    with psycopg.connect(server, autocommit=True) as session:
        session.execute("SELECT pg_advisory_lock(1)")
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
    return f"{server}?options=-csearch_path%3D{schema}"


BACKENDS: Mapping[str, Backend] = {
    "local": Backend(str, JournalFile, tears=True, turns=20),
    "s3": Backend(_bucket, JournalObjects, lapses=True),
    "postgresql": Backend(_database, JournalRows),
    "github": Backend(_branch, JournalCommits, lapses=True),
}
"""All of them; their servers are started by the fixture `state_servers`."""
