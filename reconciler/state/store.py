"""What a backend must offer to hold a state as named objects: reads, and writes with a condition.

The condition is what keeps two writers apart, so it must hold on the server, also when both come
at the same instant. Everything else is built on it: the lock is one object that only its last
reader may replace, and the journal grows by objects that only one writer can create.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.errors import StateError


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as it was read. Shape: `version` changes with every write."""

    content: bytes
    version: str


class Store(Protocol):
    """Named objects. Every method raises StateError where the backend does not answer."""

    @property
    def place(self) -> str:
        """Where it is, for people; never with a credential."""

    def get(self, name: str) -> Stored | None:
        """Read an object as it is now; None where there is none."""

    def contents(self, names: Sequence[str]) -> Iterator[bytes]:
        """Read objects that are never replaced, in the order of their names here."""

    def names(self, folder: str) -> Sequence[str]:
        """List the names that begin with a folder's, sorted, as they are now."""

    def create(self, name: str, content: bytes) -> str | None:
        """Write an object that does not exist; return its version, None where it exists."""

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Write in the place of one version; return the new one, None where it is another."""

    def check(self) -> None:
        """Prove that objects can be written now, and that the conditions hold.

        Raises: StateError, saying which does not.
        """


def put(store: Store, name: str, content: bytes, before: Stored | None) -> str | None:
    """Write an object in the place of what was read; return its version, None if it changed since.

    A write whose answer was lost may have been sent again, and then be refused for what it wrote
    itself. So the content must be the writer's own: nobody else may write the same.
    """
    if before is None:
        version = store.create(name, content)
    else:
        version = store.replace(name, content, before.version)
    if version is None:
        found = store.get(name)
        version = found.version if found and found.content == content else None
    return version


def missing(store: Store, name: str) -> StateError:
    """Say that an object is gone which was there a moment ago."""
    return StateError(
        f"{store.place}/{name} is gone",
        hint="Something else removes objects there, such as a lifecycle rule: put it back.",
    )
