"""Keep the state as objects of a store.

Layout: `locks/<repository>/_`, `observations/<repository>/_`, and for each append one object
`journals/<repository>/_/<number of its first record>`. No part of a repository's name is `_`.
Objects of a journal are never replaced: only one run can create the object of the next record.
"""

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import chain
from typing import NamedTuple

from reconciler.errors import JournalError, LockedError
from reconciler.model.names import Repository
from reconciler.state.lease import LeaseLock
from reconciler.state.remote import RemoteJournal, RemoteRepositoryState
from reconciler.state.spellings import Spellings, repositories_in
from reconciler.state.store import LeaseTiming, Store, Times, put

_OWN = "/_"
"""What follows the name of a repository."""

_LOCKS = "locks/"


class ObjectState:
    """The state of all repositories, in one store."""

    def __init__(self, store: Store, times: Times, timing: LeaseTiming | None = None) -> None:
        """Use a store; nothing is sent yet."""
        self._store = store
        self._times = times
        self._timing = timing or LeaseTiming()
        self._spellings = Spellings(store.place, self._names)

    def of(self, repository: Repository) -> RemoteRepositoryState:
        """Open the state of one repository; nothing is written until it is locked."""
        name = self._spellings.of(repository)
        journal = f"journals/{name}{_OWN}/"
        lock = LeaseLock(
            repository, self._store, f"{_LOCKS}{name}{_OWN}", self._timing, self._times
        )
        return RemoteRepositoryState(
            RemoteJournal(f"{self._store.place}/{journal}", _Objects(self._store, journal)),
            lock,
            _Object(self._store, f"observations/{name}{_OWN}"),
        )

    def repositories(self) -> Sequence[Repository]:
        """List the repositories that have a state, sorted."""
        return repositories_in(self._names())

    def check_writable(self) -> None:
        """Check that records can be written now, and that the store honours conditional writes.

        Raises: StateError, with the cause and a hint.
        """
        self._store.check()

    def _names(self) -> Sequence[str]:
        """List the names with a lock, which every state has."""
        return [
            name.removeprefix(_LOCKS).removesuffix(_OWN)
            for name in self._store.names(_LOCKS)
            if name.endswith(_OWN)
        ]


class _Objects(NamedTuple):
    """The objects of one journal."""

    store: Store
    folder: str

    def read(self) -> Iterable[bytes]:
        """Read all lines; an object that ends within a line is damaged."""
        names = self.store.names(self.folder)
        contents = self.store.contents(names)
        pairs = zip(names, contents, strict=True)
        return chain.from_iterable(self._lines(name, content) for name, content in pairs)

    def write(self, seq: int, lines: bytes) -> None:
        """Create the object of the next record."""
        # With leading zeros, the order of names is the order of records.
        name = f"{self.folder}{seq:014}"
        if put(self.store, name, lines, None) is None:
            raise LockedError(
                f"{self.store.place}/{name} was written by another run, so this one stops",
                hint="The next run completes what this run had begun.",
            )

    def _lines(self, name: str, content: bytes) -> Iterable[bytes]:
        # A store writes an object as a whole, so this is never an interrupted append.
        if not content.endswith(b"\n"):
            raise JournalError(f"{self.store.place}/{name} does not end with a newline")
        return BytesIO(content)


class _Object(NamedTuple):
    """One object that is replaced as a whole."""

    store: Store
    name: str

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.store.place}/{self.name}"

    def read(self) -> bytes | None:
        """Read it; None before it was ever written."""
        stored = self.store.get(self.name)
        return stored.content if stored else None

    def write(self, content: bytes) -> None:
        """Replace it, all or nothing."""
        # This run has the lock, so the object can only change between reading and writing if it
        # lost it.
        if put(self.store, self.name, content, self.store.get(self.name)) is None:
            raise LockedError(
                f"{self.place} was written by another run, so this one stops",
                hint="Run again: the next run records its own observations.",
            )
