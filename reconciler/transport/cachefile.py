"""An SQLite file that may be lost at any time: damage is set aside, trouble means no cache."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TypeVar

import structlog

log = structlog.get_logger()

Answer = TypeVar("Answer")

BUSY_SECONDS = 5.0
"""How long to wait for another process that writes, in seconds."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_OCCUPIED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SIDECARS = ("-wal", "-shm")
_PRIMARY_CODE = 0xFF
"""The part of an SQLite error code that names its family."""


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
