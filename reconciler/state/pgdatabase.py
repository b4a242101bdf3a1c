"""A PostgreSQL database: how a session with it begins, and whether it is really one session."""

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
"""An answer means that the disk has it, and a session whose client vanished ends in a minute."""

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
"""Two who create a table at once may both be told it exists, so one waits for the other."""

_PID = "SELECT pg_backend_pid()"
_HINT = "Check that the database can be reached, and the rights of this user; see docs/state.md."


@dataclass(frozen=True, slots=True)
class Database:
    """A database by its address. Shape: `place` is for people and holds no credentials."""

    place: str
    address: Address
    password: str = field(default="", repr=False)

    @classmethod
    def at(cls, address: Address) -> "Database":
        """Read an address; nothing is sent yet.

        Raises: SettingsError, which does not quote it: it may hold a password.
        """
        try:
            options = conninfo_to_dict(address.text)
        except psycopg.ProgrammingError:
            options = {}
        host, name = str(options.get("host", "localhost")), str(options.get("dbname", ""))
        # What follows the first @ of a password with two would be taken for a host, and shown.
        if not options or "@" in host:
            raise SettingsError(
                "the address of the PostgreSQL state cannot be read",
                hint="Write postgresql://USER@HOST/DATABASE, and leave the password to PGPASSWORD "
                "or ~/.pgpass, or percent-encode it.",
            )
        return cls(f"postgresql://{host}/{name}", address, str(options.get("password", "")))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Begin a session that ends with the block; each statement is a transaction of its own.

        Raises: StateError; UndefinedTable, where no state was ever written.
        """
        with self.state_errors(), self.connected() as session:
            yield session

    def connected(self) -> Session:
        """Begin a session."""
        session = psycopg.connect(
            self.address.text,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="reconciler",
        )
        session.execute(_SETTINGS)
        return session

    def prepare(self, session: Session) -> None:
        """Create the tables where they are missing."""
        with self.state_errors():
            session.execute(_TABLES)

    @contextmanager
    def state_errors(self) -> Iterator[None]:
        """Turn what the database refuses into a StateError without a password in it."""
        try:
            yield
        except UndefinedTable:
            raise
        except psycopg.Error as error:
            text = self.address.without_secrets(str(error).strip().partition("\n")[0])
            if self.password:
                text = text.replace(self.password, "***")
            raise StateError(f"{self.place}: {text}", hint=_HINT) from None

    def check(self) -> None:
        """Create the tables where they are missing, and refuse a pooler of transactions.

        Such a pooler lends another session to each transaction. While another client keeps busy
        what was lent to us last, we would be lent a different one.

        Raises: StateError.
        """
        with self.session() as session, self.session() as other:
            self.prepare(session)
            before = session.execute(_PID).fetchone()
            with other.transaction():
                other.execute(_PID)
                after = session.execute(_PID).fetchone()
        if before != after:
            raise StateError(
                f"{self.place} is a pooler that lends sessions for single transactions: a lock "
                "there keeps nobody out",
                hint="Give the address of the database itself, or of a pool of whole sessions.",
            )
