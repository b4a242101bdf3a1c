"""Words that findings share."""

from datetime import UTC, datetime

from reconciler.model.inventory import Version
from reconciler.model.names import Tag


def versions(count: int, noun: str = "version") -> str:
    """Write a number with its noun and verb, as in `1 image is` and `3 images are`."""
    return f"1 {noun} is" if count == 1 else f"{count:,} {noun}s are"


def version_name(version: Version) -> str:
    """Name a version by its tags and its digest."""
    return called(version.tags, version.digest)


def called(tags: tuple[Tag, ...], digest: str) -> str:
    """Name what has, or had, these tags."""
    return " ".join(filter(None, (", ".join(tags), digest)))


def shortly(when: datetime) -> str:
    """Write a time to the minute."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
