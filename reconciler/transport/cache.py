"""A cache of documents by digest, so that a daily run fetches only what is new.

It is an SQLite file that may be lost at any time: a damaged file is set aside, and the run goes on
without a cache.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock
from typing import TypeAlias, TypeVar

import structlog

from reconciler.errors import ManifestError
from reconciler.model.manifest import MAX_MANIFEST_BYTES, verify
from reconciler.model.names import Digest

log = structlog.get_logger()

Document: TypeAlias = tuple[str, bytes]
"""A content type, and the very bytes that hash to the digest."""

MAX_CACHE_BYTES = 512 * 1024 * 1024
"""Most that the documents may take together, in bytes as stored; the oldest-used go first."""

ROW_BYTES = 160
"""What a row takes besides its body, in bytes: digest, content type and two index entries."""

EVICTED_TO = 0.9
"""The part of the limit that an eviction leaves, so that not every write evicts."""

BATCH = 500
"""Digests asked for in one query."""

USE_GRAIN = 16
"""Openings that may pass before a use is noted again; noting costs more than reading."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    digest TEXT NOT NULL PRIMARY KEY,
    content_type TEXT NOT NULL,
    used INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS documents_by_use ON documents (used, size);
"""
_LAST_USE = "SELECT coalesce(max(used), 0) FROM documents"
_BYTES = "SELECT coalesce(sum(size), 0) FROM documents"
_FIND = """
SELECT digest, content_type, body FROM documents WHERE digest IN (SELECT value FROM json_each(?))
"""
_KNOWN = "SELECT digest FROM documents WHERE digest IN (SELECT value FROM json_each(?))"
_TOUCH = """
UPDATE documents SET used = ?1
WHERE used <= ?1 - ?2 AND digest IN (SELECT value FROM json_each(?3))
"""
_KEEP = "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM documents WHERE digest IN (SELECT value FROM json_each(?))"
_EVICT = """
DELETE FROM documents WHERE rowid IN (
    SELECT rowid FROM (
        SELECT rowid, sum(size) OVER (ORDER BY used DESC, rowid DESC) AS kept FROM documents
    ) WHERE kept > ?
)
"""

_Row: TypeAlias = tuple[str, str, bytes]

Answer = TypeVar("Answer")

BUSY_SECONDS = 5.0
"""How long to wait for another process that writes, in seconds."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OCCUPIED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SIDECARS = ("-wal", "-shm")
_PRIMARY_CODE = 0xFF
"""The part of an SQLite error code that names its family."""


class ManifestCache:
    """Documents by digest in one SQLite file, verified again whenever they are read.

    Shape: "used" counts openings, not time: all that one run writes has one number.
    """

    def __init__(self, path: Path | None, *, limit: int = MAX_CACHE_BYTES) -> None:
        """Keep documents in the file at `path`; with None, keep nothing."""
        self._file = CacheFile(path, _SCHEMA)
        self._limit = limit
        self._use = 0
        self._bytes = 0

    def get(self, digests: Iterable[Digest]) -> dict[Digest, Document]:
        """Return those of the documents that are here and still are what their digest says.

        Thousands of them fill the memory: ask for no more at once than you can hold.
        """
        wanted = list(digests)
        documents: dict[Digest, Document] = {}
        for start in range(0, len(wanted), BATCH):
            documents |= self._sound(wanted[start : start + BATCH])
        return documents

    def known(self, digests: Iterable[Digest]) -> frozenset[str]:
        """Tell which documents are here, without reading them; one of them may prove damaged."""
        none: list[tuple[str]] = []
        wanted = json.dumps(list(digests))
        rows = self._file.run(lambda file: file.execute(_KNOWN, (wanted,)).fetchall(), none)
        return frozenset(digest for (digest,) in rows)

    def put(self, documents: Mapping[Digest, Document]) -> None:
        """Keep verified documents, and let go of the oldest-used beyond the limit."""
        if documents:
            self._file.run(lambda connection: self._keep(connection, documents), None)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _sound(self, digests: list[Digest]) -> dict[Digest, Document]:
        """Read one batch; a row that does not verify is dropped, so that it is fetched again."""
        none: list[_Row] = []
        rows = self._file.run(lambda connection: self._find(connection, digests), none)
        documents = dict(_verified(rows))
        damaged = [digest for digest, *_ in rows if digest not in documents]
        if damaged:
            log.warning("cached_documents_damaged", count=len(damaged), first=damaged[0])
            self._file.run(lambda connection: _drop(connection, damaged), None)
        return documents

    def _find(self, connection: sqlite3.Connection, digests: list[Digest]) -> list[_Row]:
        wanted = json.dumps(digests)
        rows: list[_Row] = connection.execute(_FIND, (wanted,)).fetchall()
        if rows:
            self._open_use(connection)
            connection.execute(_TOUCH, (self._use, USE_GRAIN, wanted))
        return rows

    def _keep(self, connection: sqlite3.Connection, documents: Mapping[Digest, Document]) -> None:
        self._open_use(connection)
        for digest, (content_type, body) in documents.items():
            packed = zlib.compress(body, zlib.Z_BEST_SPEED)
            size = len(packed) + ROW_BYTES
            connection.execute(_KEEP, (digest, content_type, self._use, size, packed))
            self._bytes += size
        if self._bytes > self._limit:
            connection.execute(_EVICT, (int(self._limit * EVICTED_TO),))
            (self._bytes,) = connection.execute(_BYTES).fetchone()

    def _open_use(self, connection: sqlite3.Connection) -> None:
        """Number this opening after all earlier ones, and learn how much there is already."""
        if not self._use:
            (last,) = connection.execute(_LAST_USE).fetchone()
            (self._bytes,) = connection.execute(_BYTES).fetchone()
            self._use = last + 1


def _verified(rows: Iterable[_Row]) -> Iterator[tuple[Digest, Document]]:
    for text, content_type, packed in rows:
        digest = Digest(text)
        try:
            # One byte more than allowed is enough for `verify` to refuse a body blown up on disk.
            body = zlib.decompressobj().decompress(packed, MAX_MANIFEST_BYTES + 1)
            verify(digest, body)
        except (zlib.error, ManifestError):
            continue
        yield digest, (content_type, body)


def _drop(connection: sqlite3.Connection, digests: list[str]) -> None:
    connection.execute(_DROP, (json.dumps(digests),))


class CacheFile:
    """One connection to a cache file, shared by threads and safe beside other processes.

    Work may be lost and is never wrong: a damaged file is renamed and begun anew; a place that
    cannot be used is given up with one warning, and then every work answers with its default.
    """

    def __init__(self, path: Path | None, schema: str) -> None:
        """Remember where the file is, None for nowhere; the first work opens it."""
        self._path = path
        self._schema = schema
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    def run(self, work: Callable[[sqlite3.Connection], Answer], default: Answer) -> Answer:
        """Do one work in one transaction; answer with the default where that is impossible."""
        with self._lock:
            if self._path is None:
                return default
            try:
                return self._attempt(self._path, work)
            except sqlite3.DatabaseError as error:
                self._recover(self._path, error)
            except OSError as error:
                self._give_up(error)
            return default

    def close(self) -> None:
        """Close the file; a later work opens it again."""
        with self._lock:
            self._disconnect()

    def _attempt(self, path: Path, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        if self._connection is None:
            self._connection = self._open(path)
        with self._connection as connection:
            return work(connection)

    def _open(self, path: Path) -> sqlite3.Connection:
        """Open the file for its owner only: what it holds may come from private repositories."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(self._schema)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _recover(self, path: Path, error: sqlite3.DatabaseError) -> None:
        family = error.sqlite_errorcode & _PRIMARY_CODE
        if family in _OCCUPIED:
            log.debug("cache_busy", path=str(path))
        elif family in _DAMAGED:
            self._set_aside(path, error)
        else:
            self._give_up(error)

    def _set_aside(self, path: Path, error: sqlite3.DatabaseError) -> None:
        """Rename the damaged file, so that the next work begins a new one."""
        self._disconnect()
        aside = path.with_name(f"{path.name}.damaged-{os.getpid()}")
        log.warning("cache_damaged", path=str(path), kept_as=str(aside), error=str(error))
        try:
            path.replace(aside)
            for sidecar in _SIDECARS:
                path.with_name(path.name + sidecar).unlink(missing_ok=True)
        except OSError as refused:
            self._give_up(refused)

    def _give_up(self, error: Exception) -> None:
        log.warning("cache_unusable", path=str(self._path), error=str(error))
        self._disconnect()
        self._path = None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
