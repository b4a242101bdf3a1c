"""What earlier runs saw of a repository: facts that no registry keeps for us."""

from collections.abc import Mapping
from datetime import datetime

from reconciler.model.frozen import Frozen
from reconciler.model.names import Digest, Tag


class Observation(Frozen):
    """One digest as our runs saw it."""

    first_seen: datetime
    untagged_since: datetime | None = None
    """When a run first saw it without a tag; None while it has one."""

    tagged_since: datetime | None = None
    """When a run first saw the newest of its tags on it; None while it has none, and where it was
    last seen by a version of this program that did not note it."""

    tags: tuple[Tag, ...] = ()
    """The tags it had when last seen, kept after it lost them, to say which tag moved on."""

    retained: str = ""
    """Why the registry refused to delete it; tried again only once that may have changed."""

    visibility: str = ""
    """Who could see the repository when the registry refused; empty where it did not say."""

    held: bool = False
    """Restored by an undo, and kept from later plans until released."""

    def arrived(self, tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
        """Return those of its tags of now that it did not have when last seen."""
        here = self.tags if self.untagged_since is None else ()
        return tuple(tag for tag in tags if tag not in here)

    def refuses(self, tags: tuple[Tag, ...], visibility: str) -> bool:
        """Whether the registry refused, and neither tags nor visibility changed since."""
        return bool(self.retained) and (self.tags, self.visibility) == (tags, visibility)


class Observations(Frozen):
    """All observations of one repository, as of the end of the last apply."""

    digests: Mapping[Digest, Observation] = {}
