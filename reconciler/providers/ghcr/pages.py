"""Pages of a listing that others change while it is read.

GitHub pages by offset, without snapshot or cursor: a push shifts all rows back by one, a deletion
shifts those behind it forward, and a row that slips from an unread page to a read one is lost.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version

PAGE_SIZE = 100
"""Rows asked for in one page, the most that GitHub gives."""

MAX_READS = 3
"""How often a listing that changes is read before it is given up."""


@dataclass(frozen=True)
class VersionsPage:
    """One page of versions, newest first. Shape: `last` is the number of the last page."""

    versions: tuple[Version, ...]
    last: int
    unnamed: tuple[int, ...] = ()
    """The ids of rows whose name is no digest. They are kept: nobody can read or judge them."""

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.versions) + len(self.unnamed)

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The ids of its versions, in its order."""
        return tuple(int(version.id) for version in self.versions)

    @cached_property
    def times(self) -> tuple[datetime, ...]:
        """The times of the first push of its versions, in its order."""
        return tuple(version.pushed for version in self.versions if version.pushed)


Fetch = Callable[[Iterable[int]], Sequence[VersionsPage]]
"""Reads pages by their numbers, from 1 on, several at once."""


def changed(where: str) -> EvidenceError:
    """Build the error for a listing that does not hold still."""
    return EvidenceError(
        f"{where}: the list of its versions changed under each of {MAX_READS} reads",
        hint="Nothing was deleted there. Run again when nobody pushes to it or deletes from it.",
    )
