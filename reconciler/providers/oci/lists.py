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
import structlog

from reconciler.errors import (
    AccessError,
    ExhaustedError,
    InvalidNameError,
    ProtocolError,
    ReconcilerError,
)
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Listing
from reconciler.providers.heads import Refusal, codes_of, digest_of, says_absent
from reconciler.providers.oci.errors import DENIED, response_text
from reconciler.transport.bounds import MAX_NAMES
from reconciler.transport.client import Client
from reconciler.transport.credentials import Credential
from reconciler.transport.parallel import gather
from reconciler.transport.replies import json_of, next_page, pages, place

READINGS = 2
"""How often the tags are read when one vanishes between the list and the look at it."""

PAGE_SIZE = 1000
"""Names asked for at once: the most that the reference implementation gives."""

log = structlog.get_logger()

_NO_CATALOGUE = DENIED | {404, 405}

_UNSUPPORTED = frozenset({400, 404, 405, 406})
"""How registries say that they have no such endpoint; the last three are not in the spec."""


@dataclass(frozen=True, slots=True)
class NameList:
    """The names of one list, each once, in the registry's order."""

    names: tuple[str, ...]
    pages: int
    known: bool = True
    """Whether there is such a list; False where the registry says that there is none."""


def read_names(read: Callable[[str], httpx.Response], path: str, member: str) -> NameList:
    """Read a list to its end. Shape: an answer of `read` is a page, or 404 for no list at all.

    Raises: ProtocolError, when it is no such list or its links run in a circle; ExhaustedError,
        when it has too many names or pages; and what `read` raises.
    """
    walk = _Walk(path, member)
    count = sum(1 for _ in pages(read, f"{path}?n={PAGE_SIZE}", walk.take))
    return NameList(tuple(walk.names), count, walk.known)


def ask(client: Client, url: str) -> httpx.Response:
    """Ask for a page, and without a page size where the registry thinks it too large."""
    response = client.get(url)
    if "PAGINATION_NUMBER_INVALID" in codes_of(response):
        return client.get(str(httpx.URL(url).copy_remove_param("n")))
    return response


class _Walk:
    """The names read so far."""

    def __init__(self, path: str, member: str) -> None:
        """Begin with none."""
        self._path = path
        self._member = member
        self.names: dict[str, None] = {}
        self.known = True

    def take(self, response: httpx.Response) -> str | None:
        """Take the names of a page, and return where the next one is.

        A full page without a link may be the last one, or come from a registry that forgets
        the link: asking for what follows the last name tells.
        """
        fresh = [name for name in self._page(response) if name not in self.names]
        self.names.update(dict.fromkeys(fresh))
        if len(self.names) > MAX_NAMES:
            raise ExhaustedError(f"{place(response)}: the list has more than {MAX_NAMES} names")
        link = next_page(response)
        if link is None and len(fresh) == PAGE_SIZE:
            return f"{self._path}?n={PAGE_SIZE}&last={quote(fresh[-1], safe='')}"
        return link

    def _page(self, response: httpx.Response) -> list[str]:
        if response.status_code == 404 and not self.names:
            self.known = False
            return []
        document = json_of(response)
        names = document.get(self._member, ()) if isinstance(document, dict) else ()
        names = [] if names is None else names
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ProtocolError(f"{place(response)} without a list of `{self._member}`")
        return names


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


class Catalogue:
    """The repositories of one registry, listed when a pattern first asks for them."""

    def __init__(self, client: Client, credential: Callable[[], Credential]) -> None:
        """Read through a client; `credential` tells what it shows, to be named in errors."""
        self._client = client
        self._credential = credential
        self._listed: tuple[Repository, ...] | ReconcilerError | None = None

    def of(self, registry: str) -> Sequence[Repository]:
        """List all repositories of the registry, by the name that policies have for it.

        Raises: AccessError or EvidenceError, when it shows none, as when it was first asked.
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
        """Whether the catalogue, if anybody asked for it, names a repository."""
        return isinstance(self._listed, tuple) and repository in self._listed


def read_catalogue(client: Client, registry: str, credential: Credential) -> Iterator[Repository]:
    """Yield all repositories that a registry shows to a credential.

    A name outside the grammar can match no policy; it is left out and reported.

    Raises: AccessError or ProtocolError, when it shows none.
    """

    def page(url: str) -> httpx.Response:
        response = ask(client, url)
        if response.status_code != 200:
            raise _refused(response, registry, credential)
        return response

    for name in read_names(page, "/v2/_catalog", "repositories").names:
        try:
            yield Repository(f"{registry}/{name}")
        except InvalidNameError:
            log.warning("repository_name_invalid", registry=registry, name=name)


def _refused(response: httpx.Response, registry: str, credential: Credential) -> ReconcilerError:
    if response.status_code not in _NO_CATALOGUE:
        return ProtocolError(response_text(response))
    kind = AccessError if response.status_code in DENIED else ProtocolError
    return kind(
        f"{registry} shows no catalogue of repositories: {response_text(response)};"
        f" asked with {credential.source}",
        hint="Name the repositories in the policy one by one, without wildcards.",
    )


class Referrers:
    """Asks for referrers until the registry says that it has no such endpoint."""

    def __init__(self, client: Client, refusal: Refusal) -> None:
        """Assume that it has one."""
        self._client = client
        self._refusal = refusal
        self.supported = True

    def of(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, tuple[Digest, ...]]:
        """List what refers to each digest; nothing at all where the endpoint is missing."""
        count = _Count(repository)
        found = gather(lambda digest: self._referrers_of(repository, digest, count), digests)
        return found if self.supported else {}

    def _referrers_of(
        self, repository: Repository, digest: Digest, count: "_Count"
    ) -> tuple[Digest, ...]:
        if not self.supported:
            return ()
        path = f"/v2/{repository.path}/referrers/{digest}"
        found: list[Digest] = []
        for page in pages(self._client.get, path):
            listed = list(self._referrers(page))
            count.add(len(listed))
            found += listed
        return tuple(found)

    def _referrers(self, response: httpx.Response) -> Iterator[Digest]:
        if says_absent(response):
            return
        if response.status_code in _UNSUPPORTED:
            self._note_unsupported(response)
        elif response.status_code != 200:
            raise self._refusal(response)
        else:
            yield from _listed(response)

    def _note_unsupported(self, response: httpx.Response) -> None:
        if self.supported:
            log.debug("referrers_unsupported", answer=place(response))
        self.supported = False


class _Count:
    """How many referrers a repository names, for all digests that are asked for together."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._lock = Lock()
        self._names = 0

    def add(self, names: int) -> None:
        """Count some more.

        Raises: ExhaustedError, when there are too many.
        """
        with self._lock:
            self._names += names
            if self._names > MAX_NAMES:
                raise ExhaustedError(f"{self._repository} has more than {MAX_NAMES} referrers")


def _listed(response: httpx.Response) -> Iterator[Digest]:
    """Read an index of referrers.

    Raises: ProtocolError, when it is none.
    """
    document: Any = json_of(response)
    try:
        yield from [Digest(entry["digest"]) for entry in document["manifests"]]
    except (InvalidNameError, LookupError, TypeError) as error:
        raise ProtocolError(f"{place(response)}: not a list of referrers: {error}") from error
