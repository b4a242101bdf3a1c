"""Cache documents by digest in an SQLite file, so that a daily run downloads only new ones.

The file may be lost at any time: a damaged one is renamed, and the run continues with a new one.
"""

import json
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TypeAlias, TypeVar

from reconciler.errors import ManifestError
from reconciler.events import log
from reconciler.model.manifest import MAX_MANIFEST_BYTES, verify
from reconciler.model.names import Digest

Document: TypeAlias = tuple[str, bytes]
"""A content type, and the exact bytes that hash to the digest."""

MAX_CACHE_BYTES = 512 * 1024 * 1024
"""Largest total size of the cached documents, in bytes as stored.

Those of 100,000 versions at 3 kB fit. The least recently used documents are removed first.
"""

ROW_BYTES = 160
"""The size of a row without its body, in bytes: digest, content type and two index entries."""

EVICTED_TO = 0.9
"""The part of the limit that remains after an eviction, so that not every write evicts."""

BATCH = 500
"""Digests in one query: the bodies of so many documents are in memory at once."""

USE_GRAIN = 16
"""Runs that may pass before a use is recorded again: the write costs more than the read."""

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
"""How long to wait for a write by another process, in seconds; then the cache is skipped."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OCCUPIED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SIDECARS = ("-wal", "-shm")
_PRIMARY_CODE = 0xFF
"""The part of an SQLite error code that names its family."""


class ManifestCache:
    """Documents by digest in one SQLite file, verified again whenever they are read.

    Shape: "used" is the number of a run, not a time: all rows that a run writes have the same.
    """

    def __init__(self, path: Path | None, *, limit: int = MAX_CACHE_BYTES) -> None:
        """Cache documents in the file at `path`; with None, cache nothing."""
        self._file = CacheFile(path, _SCHEMA)
        self._limit = limit
        self._use = 0
        self._bytes = 0
        self._added: set[Digest] = set()

    def get(self, digests: Iterable[Digest]) -> dict[Digest, Document]:
        """Return those of the documents that are cached and still match their digest.

        All are returned in memory: thousands at once may exhaust it.
        """
        wanted = list(digests)
        documents: dict[Digest, Document] = {}
        for start in range(0, len(wanted), BATCH):
            documents |= self._read_verified(wanted[start : start + BATCH])
        return documents

    def known(self, digests: Iterable[Digest]) -> frozenset[str]:
        """Return which documents are cached, without reading them; one may still be damaged."""
        none: list[tuple[str]] = []
        wanted = json.dumps(list(digests))
        rows = self._file.run(lambda file: file.execute(_KNOWN, (wanted,)).fetchall(), none)
        return frozenset(digest for (digest,) in rows)

    def is_new(self, digest: Digest) -> bool:
        """Whether this run, and no earlier one, has cached a document."""
        return digest in self._added

    def put(self, documents: Mapping[Digest, Document]) -> None:
        """Cache verified documents, and remove the least recently used beyond the limit."""
        if documents:
            self._added.update(documents)
            self._file.run(lambda connection: self._keep(connection, documents), None)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_verified(self, digests: list[Digest]) -> dict[Digest, Document]:
        """Read one batch; a row that does not verify is deleted, so that it is read again."""
        none: list[_Row] = []
        rows = self._file.run(lambda connection: self._find(connection, digests), none)
        documents: dict[Digest, Document] = {}
        for text, content_type, packed in rows:
            digest = Digest(text)
            # The file may have been altered: no more is decompressed than `verify` accepts.
            with suppress(zlib.error, ManifestError):
                body = zlib.decompressobj().decompress(packed, MAX_MANIFEST_BYTES + 1)
                verify(digest, body)
                documents[digest] = content_type, body
        damaged = [digest for digest, *_ in rows if digest not in documents]
        if damaged:
            log.warning("cached_documents_damaged", count=len(damaged), first=damaged[0])
            row = (json.dumps(damaged),)
            self._file.run(lambda connection: connection.execute(_DROP, row), None)
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
            # The fastest level: a first run packs every document of a registry.
            packed = zlib.compress(body, zlib.Z_BEST_SPEED)
            size = len(packed) + ROW_BYTES
            connection.execute(_KEEP, (digest, content_type, self._use, size, packed))
            # A document that is replaced counts twice, until the next eviction reads the sum anew.
            self._bytes += size
        if self._bytes > self._limit:
            connection.execute(_EVICT, (int(self._limit * EVICTED_TO),))
            (self._bytes,) = connection.execute(_BYTES).fetchone()

    def _open_use(self, connection: sqlite3.Connection) -> None:
        """Number this run after all earlier ones, and read the total size."""
        if not self._use:
            (last,) = connection.execute(_LAST_USE).fetchone()
            (self._bytes,) = connection.execute(_BYTES).fetchone()
            self._use = last + 1


class CacheFile:
    """One connection to a cache file, shared by threads and safe beside other processes.

    Cached data may be lost but is never wrong: a damaged file is renamed and a new one begun; if
    the path cannot be used, there is one warning, and `run` returns its default from then on.
    """

    def __init__(self, path: Path | None, schema: str) -> None:
        """Use the file at `path`, None for no file; the first `run` opens it."""
        self._path = path
        self._schema = schema
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    def run(self, work: Callable[[sqlite3.Connection], Answer], default: Answer) -> Answer:
        """Run a function in one transaction; return the default if that is impossible."""
        with self._lock:
            if self._path is None:
                return default
            try:
                if self._connection is None:
                    self._connection = self._open(self._path)
                with self._connection as connection:
                    return work(connection)
            except sqlite3.DatabaseError as error:
                family = error.sqlite_errorcode & _PRIMARY_CODE
                if family in _OCCUPIED:
                    # Another process writes: this time the registry is read instead.
                    log.debug("cache_busy", path=str(self._path))
                elif family in _DAMAGED:
                    self._set_aside(self._path, error)
                else:
                    self._give_up(error)
            except OSError as error:
                self._give_up(error)
            return default

    def close(self) -> None:
        """Close the file; a later `run` opens it again."""
        with self._lock:
            self._disconnect()

    def _open(self, path: Path) -> sqlite3.Connection:
        """Open the file for its owner only: its content may come from private repositories."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        # All threads share the connection: `run` holds a lock while one of them uses it.
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
        try:
            # Readers do not wait for a writer, which may be another process.
            connection.execute("PRAGMA journal_mode = WAL")
            # A crash may lose the last writes: what is missing is downloaded again.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.executescript(self._schema)
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _set_aside(self, path: Path, error: sqlite3.DatabaseError) -> None:
        """Rename the damaged file, so that the next `run` begins a new one."""
        self._disconnect()
        aside = path.with_name(f"{path.name}.damaged-{os.getpid()}")
        log.warning("cache_damaged", path=str(path), kept_as=str(aside), error=str(error))
        try:
            path.replace(aside)
            # SQLite would apply the write-ahead log of the damaged file to the new one.
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
