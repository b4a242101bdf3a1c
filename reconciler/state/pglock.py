"""The lock of one repository in a PostgreSQL database: an advisory lock and a generation."""

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
from reconciler.state.lock_file import lost, not_the_holder, refusal, without_lock
from reconciler.state.pgdatabase import Database, Session

TERMINATION_MILLISECONDS = 5000
"""Longest wait for the end of a session whose lock is broken, in milliseconds."""

_HOLDER = "SELECT run, who, place, since, process FROM reconciler_lock WHERE repository = %s"

_SIGN = """
INSERT INTO reconciler_lock (repository, gen, run, who, place, since, process)
VALUES (%s, 1, %s, %s, %s, %s, %s)
ON CONFLICT (repository) DO UPDATE SET
    gen = reconciler_lock.gen + 1, run = excluded.run, who = excluded.who,
    place = excluded.place, since = excluded.since, process = excluded.process
RETURNING gen
"""

_WHO_HOLDS = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = %s AND objid::bigint = %s
"""


@dataclass(frozen=True, slots=True)
class _HeldLock:
    """A session that has the lock, and the generation it began."""

    session: Session
    gen: int


class AdvisoryLock:
    """The lock of one repository."""

    def __init__(self, repository: Repository, database: Database, name: str) -> None:
        """Remember where it is; nothing is sent yet."""
        self._repository = repository
        self._name = name
        self._database = database
        digest = sha256(f"reconciler {name}".encode()).digest()
        self._key = int.from_bytes(digest[:8], signed=True)
        self._tenure: _HeldLock | None = None
        self._turn = RLock()

    @property
    def is_held(self) -> bool:
        """Whether this very object took it and has not let go."""
        return self._tenure is not None

    @contextmanager
    def hold(self, holder: Holder) -> Iterator[None]:
        """Hold it for a `with` block; a run that died has let go already.

        Raises: LockedError, naming the holder.
        """
        with self._session() as session:
            self._database.prepare(session)
            if not self._try(session):
                raise refusal(self._repository, self._named(session))
            with self._signed(session, holder):
                yield

    @contextmanager
    def seize(self, holder: Holder, run: str) -> Iterator[None]:
        """End the session of a run and hold its lock instead, for the length of a `with` block.

        Raises: LockedError, when that run does not hold it.
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
            # Somebody else may have broken it, and let go, since we looked.
            self._require_last(session, run)
            with self._signed(session, holder):
                yield

    def confirm(self) -> None:
        """Make sure that it is held still.

        Raises: StateError, where it was never taken; LockedError, where it was lost since.
        """
        with self.writing():
            pass

    @contextmanager
    def writing(self) -> Iterator[psycopg.Cursor[tuple[object, ...]]]:
        """Write in one transaction with a look at the generation.

        Raises: StateError; LockedError, where the lock was lost.
        """
        if self._tenure is None:
            raise without_lock(self._repository)
        session, gen = self._tenure.session, self._tenure.gen
        query = "SELECT FROM reconciler_lock WHERE repository = %s AND gen = %s FOR SHARE"
        try:
            with (
                self._turn,
                self._database.state_errors(),
                session.transaction(),
                session.cursor() as cursor,
            ):
                if cursor.execute(query, [self._name, gen]).fetchone() is None:
                    raise lost(self._repository)
                yield cursor
        except StateError:
            # A session that was ended has lost its lock; who ended it tells the rest.
            if session.closed and self._is_over(gen):
                raise lost(self._repository) from None
            raise

    def holder(self) -> Holder | None:
        """Tell who holds it now; None if nobody does."""
        with suppress(UndefinedTable), self._session() as session:
            return self._named(session) if self._is_taken(session) else None
        return None

    @property
    def _halves(self) -> tuple[int, int]:
        """The key as the server lists it: its upper and its lower 32 bits."""
        return (self._key >> 32) & 0xFFFFFFFF, self._key & 0xFFFFFFFF

    @contextmanager
    def _session(self) -> Iterator[Session]:
        """Begin a session for a whole block; what goes wrong in the block stays as it is."""
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
            raise LockedError(f"{self._repository}: the lock could not be signed")
        self._tenure = _HeldLock(session, row[0])
        try:
            yield
        finally:
            self._tenure = None
            # The end of a session takes the server a moment, in which others would be refused.
            with suppress(StateError), self._database.state_errors():
                session.execute("SELECT pg_advisory_unlock(%s)", [self._key])

    def _is_over(self, gen: int) -> bool:
        """Whether another run has had the lock since."""
        query = "SELECT FROM reconciler_lock WHERE repository = %s AND gen = %s"
        with self._session() as session, self._database.state_errors():
            return session.execute(query, [self._name, gen]).fetchone() is None
