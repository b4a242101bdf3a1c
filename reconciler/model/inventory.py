"""All versions of one repository at one moment, and the saved observations of earlier runs.

An inventory is always complete: nothing is decided on a partial listing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from operator import attrgetter

from reconciler.model.base import Frozen
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository, Tag

EARLIEST = datetime(2013, 1, 1, tzinfo=UTC)
"""An earlier time is not the time of an image: Docker, from which all image formats and registries
descend, was released in March 2013. Reproducible builds claim 1970, and unset times are in year 1.
"""


class Fact(StrEnum):
    """A time that a rule may read. Which ones exist depends on the registry and the state."""

    PUSHED = "pushed"
    """The registry's time of the first push of the digest."""

    CREATED = "created"
    """The publisher's claim: annotation or image configuration."""

    FIRST_SEEN = "first_seen"
    """When a run first observed the digest, from the state."""

    UNTAGGED_SINCE = "untagged_since"
    """When a run first observed the digest without a tag, from the state."""

    TAGGED_SINCE = "tagged_since"
    """When a run first observed the newest of its tags on it, from the state."""


# A lookup, since this is asked several times for each of a million versions.
_TIMES = {fact: attrgetter(fact.value) for fact in Fact}
"""How to read each fact of a version: the field has the name of the fact."""


@dataclass(frozen=True, slots=True)
class Version:
    """One manifest as the registry lists it, with its tags and times.

    Shape: `tags` sorted. `manifest` is None if every index that lists the version describes it as
        a plain platform image, so that its document need not be read.
    """

    digest: Digest
    tags: tuple[Tag, ...] = ()
    id: str = ""
    """The registry's own id of it, if that is not the digest."""

    pushed: datetime | None = None
    created: datetime | None = None
    first_seen: datetime | None = None
    untagged_since: datetime | None = None
    tagged_since: datetime | None = None
    manifest: Manifest | None = None

    def time(self, fact: Fact) -> datetime | None:
        """Return one of its times; None if it is unknown or before `EARLIEST`."""
        moment: datetime | None = _TIMES[fact](self)
        return moment if moment and moment >= EARLIEST else None

    @property
    def kind(self) -> str:
        """The artifact type; empty if the document was not read."""
        return self.manifest.kind if self.manifest else ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How an inventory was read, for display in a plan and for comparison by apply.

    Units: `pages` of the listing, `requests` that got what they asked for.
    """

    pages: int = 0
    requests: int = 0
    cached: int = 0
    """Manifests taken from the local cache."""

    watermark: str = ""
    """The newest version id in the listing; later pushes have a greater one."""


@dataclass(frozen=True)
class Inventory:
    """Every version of one repository at one moment.

    Shape: `versions` holds each digest once, in digest order.
    """

    repository: Repository
    versions: Mapping[Digest, Version]
    facts: frozenset[Fact] = frozenset(Fact)
    """The times that this registry and state can give; a rule that reads another is an error."""

    evidence: Evidence = field(default_factory=Evidence)
    visibility: str = ""
    """Who may see the repository, as the registry reports it; empty if it does not."""

    doubt: str = ""
    """Why the listing may lack versions that exist; nothing may be deleted then."""

    @classmethod
    def of(
        cls,
        repository: Repository,
        versions: Iterable[Version],
        *,
        facts: frozenset[Fact] = frozenset(Fact),
        evidence: Evidence | None = None,
        visibility: str = "",
        doubt: str = "",
    ) -> "Inventory":
        """Build an inventory from versions in any order."""
        # In one order, so that the same repository always gives the same plan, byte for byte.
        ordered = sorted(versions, key=lambda version: version.digest)
        by_digest = {version.digest: version for version in ordered}
        return cls(repository, by_digest, facts, evidence or Evidence(), visibility, doubt)

    @cached_property
    def tagged(self) -> Mapping[Tag, Digest]:
        """Each tag and the digest it points to."""
        return {tag: v.digest for v in self.versions.values() for tag in v.tags}


class Observation(Frozen):
    """One digest as earlier runs observed it."""

    first_seen: datetime
    untagged_since: datetime | None = None
    """When a run first observed it without a tag; None while it has one."""

    tagged_since: datetime | None = None
    """When a run first observed the newest of its tags on it; None while it has none, and if it was
    last observed by a release that did not record this."""

    tags: tuple[Tag, ...] = ()
    """The tags it had when last observed; kept after it lost them, to tell which tag moved."""

    retained: str = ""
    """Why the registry refused to delete it; not tried again until tags or visibility change."""

    visibility: str = ""
    """Who could see the repository when the registry refused; empty if it did not say."""

    held: bool = False
    """Restored by an undo, and kept by every plan until it is released."""

    def arrived(self, tags: tuple[Tag, ...]) -> tuple[Tag, ...]:
        """Return those of its present tags that it did not have when last observed."""
        # An observation keeps the tags that a version has lost: they do not count as present.
        here = self.tags if self.untagged_since is None else ()
        return tuple(tag for tag in tags if tag not in here)

    def refuses(self, tags: tuple[Tag, ...], visibility: str) -> bool:
        """Whether the registry refused, and neither tags nor visibility changed since."""
        return bool(self.retained) and (self.tags, self.visibility) == (tags, visibility)


class Observations(Frozen):
    """All observations of one repository, as of the end of the last apply."""

    digests: Mapping[Digest, Observation] = {}
