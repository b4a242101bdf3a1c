"""What refers to a digest, where a registry can tell.

Source: OCI distribution-spec v1.1, "Listing Referrers".
"""

from collections.abc import Iterable, Iterator
from threading import Lock
from typing import Any

import httpx
import structlog

from reconciler.errors import ExhaustedError, InvalidNameError, ProtocolError
from reconciler.model.names import Digest, Repository
from reconciler.providers.heads import Refusal
from reconciler.providers.registry_errors import says_absent
from reconciler.transport.bounds import MAX_NAMES
from reconciler.transport.http import Client
from reconciler.transport.pages import pages
from reconciler.transport.pool import gather
from reconciler.transport.replies import json_of, place

log = structlog.get_logger()

_UNSUPPORTED = frozenset({400, 404, 405, 406})
"""How registries say that they have no such endpoint; the last three are not in the spec."""


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
