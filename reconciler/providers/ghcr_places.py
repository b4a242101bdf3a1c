"""Where in a listing the versions of a package stand, so that many are looked at with one read."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model.inventory import Version
from reconciler.providers.ghcr_pages import Fetch, Page

FRESH_SECONDS = 5.0
"""How old a page may be to count as a look at what is on it, in seconds."""


@dataclass
class Places:
    """The page that each version of a package, by id, stood on, and pages read since.

    Deleting the oldest first moves nothing that is still to be deleted, and a push moves all by
    one: the page a version stood on mostly still has it, and whoever is not there is asked for.
    """

    page_of: Mapping[str, int] = field(default_factory=dict)
    _read: dict[int, tuple[float, Page]] = field(default_factory=dict)

    def look(self, versions: Sequence[Version], fetch: Fetch, now: float) -> Iterator[Version]:
        """Yield those of the versions that stand where they stood, as they are.

        Units: `now` in seconds of a steady clock.
        """
        wanted: dict[int, set[str]] = defaultdict(set)
        for version in versions:
            if version.id in self.page_of:
                wanted[self.page_of[version.id]].add(version.id)
        for number, ids in wanted.items():
            page = self._fresh(number, fetch, now)
            yield from (version for version in page.versions if version.id in ids)

    def _fresh(self, number: int, fetch: Fetch, now: float) -> Page:
        read_at, page = self._read.get(number, (float("-inf"), None))
        if page is None or now - read_at > FRESH_SECONDS:
            page = fetch([number])[0]
            self._read[number] = (now, page)
        return page
