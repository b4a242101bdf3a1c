"""Connect to a PostgreSQL database, create the tables, and detect poolers of transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import UndefinedTable

from reconciler.errors import SettingsError, StateError
from reconciler.state.address import Address

CONNECT_SECONDS = 10
"""Longest wait for a connection, in seconds."""

Session = psycopg.Connection[tuple[Any, ...]]

_SETTINGS = """
SET synchronous_commit = on;
SET tcp_keepalives_idle = 30;
SET tcp_keepalives_interval = 10;
SET tcp_keepalives_count = 3;
"""
"""A commit is on the disk before it is confirmed; the session of a lost client ends in a minute."""

_TABLES = """
SELECT pg_advisory_xact_lock(7093415502337108467);
CREATE TABLE IF NOT EXISTS reconciler_lock (
    repository text PRIMARY KEY, gen bigint NOT NULL, run text NOT NULL, who text NOT NULL,
    place text NOT NULL, process integer NOT NULL, since timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS reconciler_journal (
    repository text, seq bigint, line bytea NOT NULL, PRIMARY KEY (repository, seq));
CREATE TABLE IF NOT EXISTS reconciler_observations (
    repository text PRIMARY KEY, content bytea NOT NULL);
"""
"""The advisory lock serializes the statements: CREATE TABLE IF NOT EXISTS can fail in parallel."""

_PID = "SELECT pg_backend_pid()"
_HINT = "Check the connection to the database and the rights of this user; see docs/state.md."


@dataclass(frozen=True, slots=True)
class Database:
    """A database by its address. Shape: `place` is for messages and has no credentials."""

    place: str
    address: Address
    password: str = field(default="", repr=False)

    @classmethod
    def at(cls, address: Address) -> "Database":
        """Parse an address; nothing is sent yet.

        Raises: SettingsError, which does not quote the address: it may contain a password.
        """
        try:
            options = conninfo_to_dict(address.text)
        # Its message quotes the address, so it is not used.
        except psycopg.ProgrammingError:
            options = {}
        host, name = str(options.get("host", "localhost")), str(options.get("dbname", ""))
        # With an @ in the password, the rest of the password would be displayed as the host.
        if not options or "@" in host:
            raise SettingsError(
                "the address of the PostgreSQL state is invalid",
                hint="Write postgresql://USER@HOST/DATABASE, and set the password with PGPASSWORD "
                "or ~/.pgpass, or percent-encode it.",
            )
        return cls(f"postgresql://{host}/{name}", address, str(options.get("password", "")))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session for the block; each statement is a transaction of its own.

        Raises: StateError; UndefinedTable, when no state was ever written.
        """
        with self.state_errors(), self.connected() as session:
            yield session

    def connected(self) -> Session:
        """Open a session."""
        session = psycopg.connect(
            self.address.text,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="reconciler",
        )
        session.execute(_SETTINGS)
        return session

    def prepare(self, session: Session) -> None:
        """Create the tables if they are missing."""
        with self.state_errors():
            session.execute(_TABLES)

    @contextmanager
    def state_errors(self) -> Iterator[None]:
        """Turn an error of the database into a StateError, without passwords."""
        try:
            yield
        # To readers this means that no state was ever written.
        except UndefinedTable:
            raise
        except psycopg.Error as error:
            text = self.address.without_secrets(str(error).strip().partition("\n")[0])
            if self.password:
                text = text.replace(self.password, "***")
            # The original error may contain the password, and would be shown as the cause.
            raise StateError(f"{self.place}: {text}", hint=_HINT) from None

    def check(self) -> None:
        """Create the tables if they are missing, and refuse a pooler of transactions.

        Raises: StateError.
        """
        with self.session() as session, self.session() as other:
            self.prepare(session)
            # Such a pooler assigns a server session to each transaction. While another client is
            # using the session that we had last, it would assign a different one to us.
            before = session.execute(_PID).fetchone()
            with other.transaction():
                other.execute(_PID)
                after = session.execute(_PID).fetchone()
        if before != after:
            raise StateError(
                f"{self.place} is a pooler in transaction mode, in which a lock does not exclude "
                "other runs",
                hint="Use the address of the database itself, or of a pooler in session mode.",
            )
