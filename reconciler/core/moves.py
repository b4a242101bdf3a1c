"""Tags that moved since a repository was last looked at, as far as that was noted."""

from collections.abc import Iterator

from reconciler.model.inventory import Fact, Inventory, Observations
from reconciler.model.names import Tag


def moved_tags(inventory: Inventory, observations: Observations) -> frozenset[Tag]:
    """Return the tags that were noted on another version and never on the one they are on."""
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
    """Say what nobody can see where untagged versions are not listed: where tags were meanwhile."""
    moved = moved_tags(inventory, observations)
    if moved and Fact.PUSHED not in inventory.facts:
        tags = "1 tag has" if len(moved) == 1 else f"{len(moved):,} tags have"
        yield (
            f"{tags} moved since the last look; what a tag was on in between, and then left,"
            " cannot be seen here, and stays"
        )
