"""The lock of one repository in a PostgreSQL database: an advisory lock and a generation.

Source: PostgreSQL, "Advisory Locks".
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from threading import RLock

import psycopg
from psycopg.errors import UndefinedTable

from reconciler.errors import LockedError, StateError
from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.state.lock_file import lock_lost, lock_refused, not_the_holder, without_lock
from reconciler.state.pgdatabase import Database, Session

TERMINATION_MILLISECONDS = 5000
"""Longest wait for the end of a session whose lock is broken, in milliseconds; usual are a few."""

_HOLDER = "SELECT run, who, place, since, process FROM reconciler_lock WHERE repository = %s"

_SIGN = """
INSERT INTO reconciler_lock (repository, gen, run, who, place, since, process)
VALUES (%s, 1, %s, %s, %s, %s, %s)
ON CONFLICT (repository) DO UPDATE SET
    gen = reconciler_lock.gen + 1, run = excluded.run, who = excluded.who,
    place = excluded.place, since = excluded.since, process = excluded.process
RETURNING gen
"""

# A lock with one key of 64 bits has `objsubid` 1, and its halves in `classid` and `objid`. Source:
# PostgreSQL, "pg_locks".
_WHO_HOLDS = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = %s AND objid::bigint = %s
"""


@dataclass(frozen=True, slots=True)
class _LockSession:
    """A session that has the lock, and the generation that it wrote."""

    session: Session
    gen: int


class AdvisoryLock:
    """The lock of one repository."""

    def __init__(self, repository: Repository, database: Database, name: str) -> None:
        """Use the lock called `name`; nothing is sent yet."""
        self._repository = repository
        self._name = name
        self._database = database
        # PostgreSQL's keys are numbers. The prefix separates them from those of other programs.
        digest = sha256(f"reconciler {name}".encode()).digest()
        self._key = int.from_bytes(digest[:8], signed=True)
        self._lock_session: _LockSession | None = None
        self._mutex = RLock()

    @property
    def is_locked(self) -> bool:
        """Whether this object has taken the lock and not released it."""
        return self._lock_session is not None

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold the lock for a `with` block; the server has released it if its holder died.

        Raises: LockedError, with the holder.
        """
        with self._session() as session:
            self._database.prepare(session)
            if not self._try(session):
                raise lock_refused(self._repository, self._named(session))
            with self._signed(session, holder):
                yield

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """End the session of a run and hold its lock for a `with` block.

        Raises: LockedError, when that run does not hold the lock.
        """
        with self._session() as session:
            self._require(session, run)
            with self._database.state_errors():
                session.execute(
                    f"SELECT pg_terminate_backend(pid, {TERMINATION_MILLISECONDS}) "  # noqa: S608 - a number
                    f"FROM ({_WHO_HOLDS}) AS holding",
                    self._halves,
                )
            if not self._try(session):
                raise not_the_holder(self._repository, run)
            # Another process may have broken the lock and released it in between.
            self._require_last(session, run)
            with self._signed(session, holder):
                yield

    def confirm(self) -> None:
        """Check that the lock is still held.

        Raises: StateError, when it was never taken; LockedError, when it was lost since.
        """
        with self.writing():
            pass

    @contextmanager
    def writing(self) -> Iterator[psycopg.Cursor[tuple[object, ...]]]:
        """Write in one transaction that also checks the generation.

        Raises: StateError; LockedError, when the lock was lost.
        """
        if self._lock_session is None:
            raise without_lock(self._repository)
        session, gen = self._lock_session.session, self._lock_session.gen
        # FOR SHARE: a new holder cannot increment the generation before this transaction ends.
        query = "SELECT FROM reconciler_lock WHERE repository = %s AND gen = %s FOR SHARE"
        try:
            with (
                self._mutex,
                self._database.state_errors(),
                session.transaction(),
                session.cursor() as cursor,
            ):
                if cursor.execute(query, [self._name, gen]).fetchone() is None:
                    raise lock_lost(self._repository)
                yield cursor
        except StateError:
            # A terminated session has lost its lock; a newer generation shows that it was broken.
            if session.closed and self._is_over(gen):
                raise lock_lost(self._repository) from None
            raise

    def holder(self) -> Holder | None:
        """Return the current holder; None if the lock is free."""
        with suppress(UndefinedTable), self._session() as session:
            return self._named(session) if self._is_taken(session) else None
        return None

    @property
    def _halves(self) -> tuple[int, int]:
        """The key as in `pg_locks`: its upper and its lower 32 bits."""
        return (self._key >> 32) & 0xFFFFFFFF, self._key & 0xFFFFFFFF

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Open a session for a block; errors of the block itself are not translated."""
        with self._database.state_errors():
            session = self._database.connected()
        try:
            yield session
        finally:
            session.close()

    def _try(self, session: Session) -> bool:
        with self._database.state_errors():
            got = session.execute("SELECT pg_try_advisory_lock(%s)", [self._key]).fetchone()
        return got == (True,)

    def _is_taken(self, session: Session) -> bool:
        with self._database.state_errors():
            return session.execute(_WHO_HOLDS, self._halves).fetchone() is not None

    def _named(self, session: Session) -> Holder | None:
        with self._database.state_errors():
            row = session.execute(_HOLDER, [self._name]).fetchone()
        return Holder(*row) if row else None

    def _require(self, session: Session, run: str) -> None:
        try:
            if self._is_taken(session):
                return self._require_last(session, run)
        # Without the tables no run ever held the lock.
        except UndefinedTable:
            pass
        raise not_the_holder(self._repository, run)

    def _require_last(self, session: Session, run: str) -> None:
        last = self._named(session)
        if last is None or last.run != run:
            raise not_the_holder(self._repository, run)

    @contextmanager
    def _signed(self, session: Session, holder: Holder) -> Iterator[None]:
        process = holder.process or os.getpid()
        named = (holder.run, holder.who, holder.where, holder.since, process)
        with self._database.state_errors():
            row = session.execute(_SIGN, [self._name, *named]).fetchone()
        if row is None:
            raise LockedError(f"{self._repository}: the holder of the lock could not be recorded")
        self._lock_session = _LockSession(session, row[0])
        try:
            yield
        finally:
            self._lock_session = None
            # Released explicitly: until the server has ended the session, others are refused.
            with suppress(StateError), self._database.state_errors():
                session.execute("SELECT pg_advisory_unlock(%s)", [self._key])

    def _is_over(self, gen: int) -> bool:
        """Whether another run has taken the lock since."""
        # In a session of its own, since that of the lock is closed.
        query = "SELECT FROM reconciler_lock WHERE repository = %s AND gen = %s"
        with self._session() as session, self._database.state_errors():
            return session.execute(query, [self._name, gen]).fetchone() is None
