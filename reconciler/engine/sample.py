"""Read what a new policy would govern, as far as the registry allows."""

from dataclasses import dataclass

from reconciler.engine.observe import observe
from reconciler.errors import ReconcilerError
from reconciler.model.inventory import Inventory
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import RegistryReader

MOST = 20
"""Most repositories that are read for one pattern, which may name thousands."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read of a pattern's repositories, and the error that ended it, if one did."""

    glob: RepositoryGlob
    inventories: tuple[Inventory, ...]
    error: ReconcilerError | None = None


def sample(glob: RepositoryGlob, reader: RegistryReader) -> Sample:
    """Read the first repositories that a pattern names; an error ends that, and is no error."""
    found: list[Inventory] = []
    try:
        for repository in list(reader.repositories(glob))[:MOST]:
            found.append(observe(reader, repository))  # noqa: PERF401 - an error keeps the others
    except ReconcilerError as error:
        return Sample(glob, tuple(found), error)
    return Sample(glob, tuple(found))
