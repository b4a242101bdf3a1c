"""Find the tags that moved since the last run, by the observations it saved."""

from collections.abc import Iterator

from reconciler.model.inventory import Fact, Inventory, Observations
from reconciler.model.names import Tag


def moved_tags(inventory: Inventory, observations: Observations) -> frozenset[Tag]:
    """Return the tags that were observed on another version and never on their current one."""
    current = {
        (tag, version.digest) for version in inventory.versions.values() for tag in version.tags
    }
    noted = {
        (tag, digest)
        for digest, observation in observations.digests.items()
        for tag in observation.tags
    }
    known = {tag for tag, _ in noted}
    return frozenset(tag for tag, digest in current - noted if tag in known)


def moved_tag_warning(inventory: Inventory, observations: Observations) -> Iterator[str]:
    """Warn of versions that cannot be found where a registry lists tags only.

    A version that a tag pointed to between two runs was never observed, and is never listed again.
    Source: docs/adr/0017-looks-are-noted.md.
    """
    moved = moved_tags(inventory, observations)
    if moved and Fact.PUSHED not in inventory.facts:
        tags = "1 tag has" if len(moved) == 1 else f"{len(moved):,} tags have"
        yield (
            f"{tags} moved since the last run; versions that were tagged only in between"
            " cannot be found here, and are kept"
        )
