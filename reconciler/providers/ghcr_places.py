"""Where in a listing the versions of a package stand, so that many are looked at with one read."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.inventory import Version
from reconciler.providers.ghcr_pages import Fetch


@dataclass(frozen=True, slots=True)
class Places:
    """The page that each version of a package, by id, stood on.

    Deleting the oldest first moves nothing that is still to be deleted, and a push moves all by
    one: the page a version stood on mostly still has it, and whoever is not there is asked for.
    """

    page_of: Mapping[str, int] = field(default_factory=dict)

    def pages_of(self, versions: Sequence[Version]) -> Mapping[int, set[str]]:
        """Map each page to the ids of those of the versions that stood on it."""
        wanted: dict[int, set[str]] = defaultdict(set)
        for version in versions:
            if version.id in self.page_of:
                wanted[self.page_of[version.id]].add(version.id)
        return wanted

    def standing(self, versions: Sequence[Version], fetch: Fetch) -> dict[str, Version]:
        """Read their pages; return, by id, those of the versions that stand where they stood."""
        wanted = self.pages_of(versions)
        ids: set[str] = set().union(*wanted.values())
        read = fetch(wanted)
        return {one.id: one for page in read for one in page.versions if one.id in ids}
