"""Listings of an OCI registry: tags with their digests, repositories, and referrers.

Source: OCI distribution-spec v1.1, "Listing Tags", "Checking if content exists" and "Listing
Referrers"; distribution, docs/spec/api.md, "Catalog".
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote

import httpx

from reconciler.errors import (
    AccessError,
    ExhaustedError,
    InvalidNameError,
    ProtocolError,
    ReconcilerError,
)
from reconciler.events import log
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Listing
from reconciler.providers.heads import ErrorBuilder, codes_of, digest_of, is_absent
from reconciler.providers.oci.errors import DENIED, error_text
from reconciler.transport.bounds import MAX_NAMES
from reconciler.transport.client import Client
from reconciler.transport.credentials import Credential
from reconciler.transport.replies import json_of, next_page, pages, place

READINGS = 2
"""How often the tags are listed: a tag that is deleted between the list and its HEAD is not in the
second list, and one that is in both without a manifest is broken."""

PAGE_SIZE = 1000
"""Names requested in one page: the maximum of the reference implementation (distribution)."""


_NO_CATALOGUE = DENIED | {404, 405}

_UNSUPPORTED = frozenset({400, 404, 405, 406})
"""Statuses of registries without a referrers endpoint; the specification names only 404."""


@dataclass(frozen=True, slots=True)
class NameList:
    """The names of one list, each once, in the registry's order."""

    names: tuple[str, ...]
    pages: int
    known: bool = True
    """Whether the list exists; False if the registry reports that it does not."""


def read_names(read: Callable[[str], httpx.Response], path: str, member: str) -> NameList:
    """Read a list to its end. Shape: `read` returns a page, or a 404 if there is no list.

    Raises: ProtocolError, when a page is invalid or its links form a cycle; ExhaustedError, when
        there are too many names or pages; and what `read` raises.
    """
    walk = _NameCollector(path, member)
    count = sum(1 for _ in pages(read, f"{path}?n={PAGE_SIZE}", walk.take))
    return NameList(tuple(walk.names), count, walk.known)


def read_page(client: Client, url: str) -> httpx.Response:
    """Request a page, and without a page size if the registry finds it too large."""
    response = client.get(url)
    if "PAGINATION_NUMBER_INVALID" in codes_of(response):
        return client.get(str(httpx.URL(url).copy_remove_param("n")))
    return response


class _NameCollector:
    """Collects the names of all pages."""

    def __init__(self, path: str, member: str) -> None:
        """Start without names."""
        self._path = path
        self._member = member
        self.names: dict[str, None] = {}
        self.known = True

    def take(self, response: httpx.Response) -> str | None:
        """Add the names of a page, and return the URL of the next one."""
        fresh = [name for name in self._page(response) if name not in self.names]
        self.names.update(dict.fromkeys(fresh))
        if len(self.names) > MAX_NAMES:
            raise ExhaustedError(f"{place(response)}: the list has more than {MAX_NAMES} names")
        link = next_page(response)
        if link is None and len(fresh) == PAGE_SIZE:
            # A full page without a link is the last one, or the registry omits the link: only a
            # request for what follows the last name tells.
            return f"{self._path}?n={PAGE_SIZE}&last={quote(fresh[-1], safe='')}"
        return link

    def _page(self, response: httpx.Response) -> list[str]:
        if response.status_code == 404 and not self.names:
            self.known = False
            return []
        document = json_of(response)
        names = document.get(self._member, ()) if isinstance(document, dict) else ()
        # Registries written in Go send null for a list without entries.
        names = [] if names is None else names
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ProtocolError(f"{place(response)}: the response has no list `{self._member}`")
        return names


@dataclass(frozen=True, slots=True)
class Tags:
    """Reads the tags of repositories of one registry."""

    client: Client
    refusal: ErrorBuilder

    def listing(self, repository: Repository) -> Listing:
        """List every tagged version with all its tags; none if nothing was ever tagged.

        A tag that is listed each time and points to nothing is `broken`. If the registry reports
        that it has no such repository, the listing is `unknown`.
        """
        for _ in range(READINGS):
            tags, listed = self._tags(repository)
            targets = self.targets(repository, tags)
            lost = [tag for tag in tags if targets[tag] is None]
            listing = Listing(
                versions_of(targets),
                closed=False,
                pages=listed.pages,
                unknown=not listed.known,
                broken=tuple(lost),
            )
            if not lost:
                break
        return listing

    def names(self, repository: Repository) -> list[Tag]:
        """Read only the names of the tags, with one request for each thousand."""
        return self._tags(repository)[0]

    def targets(self, repository: Repository, tags: Iterable[Tag]) -> dict[Tag, Digest | None]:
        """Read, in parallel, which digest each tag points to now; None for an absent one."""
        return self.client.workers.gather(
            lambda tag: digest_of(self.client, repository, tag, self.refusal), tags
        )

    def _tags(self, repository: Repository) -> tuple[list[Tag], NameList]:
        """Read the names of the tags, parsed and as listed.

        Raises: ProtocolError, when a name is not a valid tag.
        """
        listed = read_names(self._page, f"/v2/{repository.path}/tags/list", "tags")
        try:
            return [Tag(name) for name in listed.names], listed
        except InvalidNameError as error:
            raise ProtocolError(f"{repository}: the list of tags is invalid: {error}") from error

    def _page(self, url: str) -> httpx.Response:
        response = read_page(self.client, url)
        if response.status_code == 200 or is_absent(response):
            return response
        raise self.refusal(response)


def versions_of(targets: Mapping[Tag, Digest | None]) -> tuple[Version, ...]:
    """Group tags by the digest that they point to; an absent tag is left out."""
    tags: defaultdict[Digest, list[Tag]] = defaultdict(list)
    for tag, digest in targets.items():
        if digest is not None:
            tags[digest].append(tag)
    return tuple(Version(digest, tuple(sorted(own))) for digest, own in sorted(tags.items()))


class Catalogue:
    """The repositories of one registry, listed when a pattern first needs them."""

    def __init__(self, client: Client, credential: Callable[[], Credential]) -> None:
        """Read through a client; `credential` returns what it authenticates with, for errors."""
        self._client = client
        self._credential = credential
        self._listed: tuple[Repository, ...] | ReconcilerError | None = None

    def of(self, registry: str) -> Sequence[Repository]:
        """List all repositories of the registry, whose host policies call `registry`.

        Raises: AccessError or EvidenceError, when they cannot be listed; each time the same.
        """
        if self._listed is None:
            try:
                self._listed = tuple(read_catalogue(self._client, registry, self._credential()))
            except ReconcilerError as error:
                self._listed = error
        if isinstance(self._listed, ReconcilerError):
            raise self._listed
        return self._listed

    def knows(self, repository: Repository) -> bool:
        """Whether the catalogue was read and lists a repository."""
        return isinstance(self._listed, tuple) and repository in self._listed


def read_catalogue(client: Client, registry: str, credential: Credential) -> Iterator[Repository]:
    """Yield all repositories that a registry lists for a credential.

    Raises: AccessError or ProtocolError, when they cannot be listed.
    """

    def page(url: str) -> httpx.Response:
        response = read_page(client, url)
        if response.status_code == 200:
            return response
        if response.status_code not in _NO_CATALOGUE:
            raise ProtocolError(error_text(response))
        # The specification has no catalogue: many registries deny it, or do not have it at all.
        kind = AccessError if response.status_code in DENIED else ProtocolError
        raise kind(
            f"{registry} does not list its repositories: {error_text(response)};"
            f" the request used {credential.source}",
            hint="Name the repositories in the policy one by one, without wildcards.",
        )

    for name in read_names(page, "/v2/_catalog", "repositories").names:
        try:
            yield Repository(f"{registry}/{name}")
        except InvalidNameError:
            # No policy can match an invalid name: the repository is left out.
            log.warning("repository_name_invalid", registry=registry, name=name)


class Referrers:
    """Lists referrers, until the registry reports that it has no such endpoint."""

    def __init__(self, client: Client, refusal: ErrorBuilder) -> None:
        """Assume that the registry has the endpoint."""
        self._client = client
        self._refusal = refusal
        self.supported = True

    def of(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, tuple[Digest, ...]]:
        """List the referrers of each digest; empty if the registry has no such endpoint."""
        count = _ReferrerCount(repository)
        referrers = self._client.workers.gather(
            lambda digest: self._referrers_of(repository, digest, count), digests
        )
        return referrers if self.supported else {}

    def _referrers_of(
        self, repository: Repository, digest: Digest, count: "_ReferrerCount"
    ) -> tuple[Digest, ...]:
        # Other threads found that there is no endpoint: no further request is needed.
        if not self.supported:
            return ()
        path = f"/v2/{repository.path}/referrers/{digest}"
        digests: list[Digest] = []
        for page in pages(self._client.get, path):
            # Some registries answer 404 with a code for a digest without referrers.
            if is_absent(page):
                continue
            if page.status_code in _UNSUPPORTED:
                if self.supported:
                    log.debug("referrers_unsupported", answer=place(page))
                self.supported = False
            elif page.status_code != 200:
                raise self._refusal(page)
            else:
                listed = _listed(page)
                count.add(len(listed))
                digests += listed
        return tuple(digests)


class _ReferrerCount:
    """Counts the referrers that a repository lists, over all digests of one call."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = Lock()
        self._names = 0

    def add(self, names: int) -> None:
        """Add to the count.

        Raises: ExhaustedError, when there are too many.
        """
        with self._lock:
            self._names += names
            if self._names > MAX_NAMES:
                raise ExhaustedError(f"{self._repository} has more than {MAX_NAMES} referrers")


def _listed(response: httpx.Response) -> list[Digest]:
    """Parse an index of referrers.

    Raises: ProtocolError, when it is invalid.
    """
    document: Any = json_of(response)
    try:
        return [Digest(entry["digest"]) for entry in document["manifests"]]
    except (InvalidNameError, LookupError, TypeError) as error:
        raise ProtocolError(f"{place(response)}: not a list of referrers: {error}") from error
