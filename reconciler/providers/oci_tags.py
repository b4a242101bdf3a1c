"""The tags of one repository, and the digest that each of them points to.

Source: OCI distribution-spec v1.1, "Listing Tags" and "Checking if content exists".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx

from reconciler.errors import InvalidNameError, ProtocolError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Listing
from reconciler.providers.heads import Refusal, digest_of
from reconciler.providers.oci_names import NameList, ask, read_names
from reconciler.providers.registry_errors import says_absent
from reconciler.transport.http import Client
from reconciler.transport.pool import gather

READINGS = 2
"""How often the tags are read when one vanishes between the list and the look at it."""


@dataclass(frozen=True, slots=True)
class Tags:
    """Reads the tags of repositories of one registry."""

    client: Client
    refusal: Refusal

    def listing(self, repository: Repository) -> Listing:
        """List every tagged version, with all its tags; none where nothing was ever tagged.

        A tag that is listed again and again, and points to nothing, is `broken`. The registry may
        say as well that it knows no such repository: then it is `unknown`.
        """
        for _ in range(READINGS):
            tags, listed = self._tags(repository)
            found = self.targets(repository, tags)
            lost = [tag for tag in tags if found[tag] is None]
            listing = Listing(
                versions_of(found),
                closed=False,
                pages=listed.pages,
                unknown=not listed.known,
                broken=tuple(lost),
            )
            if not lost:
                break
        return listing

    def names(self, repository: Repository) -> list[Tag]:
        """Read the names of the tags alone, which takes one request for each thousand."""
        return self._tags(repository)[0]

    def targets(self, repository: Repository, tags: Iterable[Tag]) -> dict[Tag, Digest | None]:
        """Ask, in parallel, which digest each tag points to now; None for one that is gone."""
        return gather(lambda tag: digest_of(self.client, repository, tag, self.refusal), tags)

    def _tags(self, repository: Repository) -> tuple[list[Tag], NameList]:
        """Read the names of the tags, as tags and as they were listed.

        Raises: ProtocolError, when a name is no tag.
        """
        listed = read_names(self._page, f"/v2/{repository.path}/tags/list", "tags")
        try:
            return [Tag(name) for name in listed.names], listed
        except InvalidNameError as error:
            raise ProtocolError(f"{repository}: the list of tags is not valid: {error}") from error

    def _page(self, url: str) -> httpx.Response:
        response = ask(self.client, url)
        if response.status_code == 200 or says_absent(response):
            return response
        raise self.refusal(response)


def versions_of(targets: Mapping[Tag, Digest | None]) -> tuple[Version, ...]:
    """Turn tags and what they point to into versions with their tags; a tag may be gone."""
    tags: defaultdict[Digest, list[Tag]] = defaultdict(list)
    for tag, digest in targets.items():
        if digest is not None:
            tags[digest].append(tag)
    return tuple(Version(digest, tuple(sorted(own))) for digest, own in sorted(tags.items()))
