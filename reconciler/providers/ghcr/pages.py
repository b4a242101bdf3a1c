"""One page of a package's versions, and the bounds of reading pages that change meanwhile."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version

PAGE_SIZE = 100
"""Rows requested in one page, the maximum. Source: GitHub's OpenAPI description, `per_page`."""

MAX_READS = 3
"""How often a listing that changes is read before it is an error; a read takes seconds, so a
repository with a push or deletion during each of three reads is in use right now."""


@dataclass(frozen=True)
class VersionsPage:
    """One page of versions, newest first. Shape: `last` is the number of the last page."""

    versions: tuple[Version, ...]
    last: int
    unnamed: tuple[int, ...] = ()
    """The ids of rows whose name is not a digest. They are kept: they have no manifest to read."""

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.versions) + len(self.unnamed)

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The ids of its versions, in the order of the page."""
        return tuple(int(version.id) for version in self.versions)

    @cached_property
    def times(self) -> tuple[datetime, ...]:
        """When its versions were first pushed, in the order of the page."""
        return tuple(version.pushed for version in self.versions if version.pushed)


Fetch = Callable[[Iterable[int]], Sequence[VersionsPage]]
"""Reads pages by their numbers, which begin at 1, in parallel."""


def listing_changed(where: str) -> EvidenceError:
    """Build the error for a listing that changes during every read."""
    return EvidenceError(
        f"{where}: the list of its versions changed during each of {MAX_READS} reads",
        hint="Nothing was deleted there. Run again when no other process pushes to it or deletes"
        " from it.",
    )
