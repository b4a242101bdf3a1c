"""Keep the state in a PostgreSQL database: journal rows, written under an advisory lock.

The server releases the lock with its session, and so when a run dies. Each new holder increments
the generation in its row, which every write checks in the same transaction.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from psycopg.errors import UndefinedTable

from reconciler.errors import StateError
from reconciler.model.names import Repository
from reconciler.model.ports import State
from reconciler.state.address import Address
from reconciler.state.opening import BackendSettings
from reconciler.state.pgdatabase import Database
from reconciler.state.pglock import AdvisoryLock
from reconciler.state.remote import RemoteJournal, RemoteRepositoryState
from reconciler.state.spellings import Spellings, repositories_in


def open_at(address: Address, _: BackendSettings) -> State:
    """Open the state in a database; nothing is sent yet.

    Raises: SettingsError, when the address is invalid.
    """
    return PostgresState(Database.at(address))


class PostgresState:
    """The state of all repositories, in three tables of one database."""

    def __init__(self, database: Database) -> None:
        """Use a database; nothing is sent yet."""
        self._database = database
        self._spellings = Spellings(database.place, self._names)

    def of(self, repository: Repository) -> RemoteRepositoryState:
        """Open the state of one repository; nothing is written until it is locked."""
        name = self._spellings.of(repository)
        place = f"{self._database.place}/{name}"
        lock = AdvisoryLock(repository, self._database, name)
        return RemoteRepositoryState(
            RemoteJournal(place, _Rows(self._database, name, lock)),
            lock,
            _Row(self._database, name, lock),
        )

    def repositories(self) -> Sequence[Repository]:
        """List the repositories that have a state, sorted."""
        return repositories_in(self._names())

    def check_writable(self) -> None:
        """Create the tables if they are missing, and check that there is no transaction pooler.

        Raises: StateError.
        """
        self._database.check()

    def _names(self) -> Sequence[str]:
        """List the names with a lock, which every state has."""
        with suppress(UndefinedTable), self._database.session() as session:
            rows = session.execute("SELECT repository FROM reconciler_lock")
            return [name for (name,) in rows]
        return []


class _Rows(NamedTuple):
    """The rows of one journal."""

    database: Database
    repository: str
    lock: AdvisoryLock

    def read(self) -> Iterable[bytes]:
        """Read all lines."""
        query = "SELECT line FROM reconciler_journal WHERE repository = %s ORDER BY seq"
        with suppress(UndefinedTable), self.database.session() as session:
            return [line for (line,) in session.execute(query, [self.repository], binary=True)]
        return []

    def write(self, seq: int, lines: bytes) -> None:
        """Insert the rows of the next records."""
        rows = [
            (self.repository, number, line)
            for number, line in enumerate(lines.splitlines(keepends=True), seq)
        ]
        with self.lock.writing() as cursor:
            # The primary key excludes a record that exists, but not a gap before the new one.
            last = "SELECT coalesce(max(seq), 0) FROM reconciler_journal WHERE repository = %s"
            row = cursor.execute(last, [self.repository]).fetchone()
            if row != (seq - 1,):
                raise StateError(
                    f"{self.database.place}/{self.repository} does not end with record {seq - 1}: "
                    "another program wrote to it despite the lock",
                    hint="Find that program, check with `reconciler log verify`, then run again.",
                )
            cursor.executemany(
                "INSERT INTO reconciler_journal (repository, seq, line) VALUES (%s, %s, %b)", rows
            )


class _Row(NamedTuple):
    """The observations of one repository."""

    database: Database
    repository: str
    lock: AdvisoryLock

    @property
    def place(self) -> str:
        """Where they are, for messages."""
        return f"{self.database.place}/{self.repository} (observations)"

    def read(self) -> bytes | None:
        """Read them; None before they were ever written."""
        query = "SELECT content FROM reconciler_observations WHERE repository = %s"
        with suppress(UndefinedTable), self.database.session() as session:
            row = session.execute(query, [self.repository], binary=True).fetchone()
            return row[0] if row else None
        return None

    def write(self, content: bytes) -> None:
        """Replace them, all or nothing."""
        with self.lock.writing() as cursor:
            cursor.execute(
                "INSERT INTO reconciler_observations (repository, content) VALUES (%s, %b) "
                "ON CONFLICT (repository) DO UPDATE SET content = excluded.content",
                [self.repository, content],
            )
