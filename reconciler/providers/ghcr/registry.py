"""GitHub Container Registry, with deletion and restoration through the REST API.

Source: GitHub's OpenAPI description; the texts of its error responses.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import httpx

from reconciler.errors import EvidenceError, PostponedError
from reconciler.github.client import TokenKind, denied, failure, reply_text
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Deletion, DeletionResult, Listing, Restoration
from reconciler.providers.documents import attach_tag
from reconciler.providers.ghcr.errors import Need, is_version_absent
from reconciler.providers.ghcr.pages import PagePositions
from reconciler.providers.ghcr.reader import GhcrReader
from reconciler.transport.limits import READ_POINTS, WRITE_POINTS, github_refusal

MAX_COUNTED_LATENCY = 0.1
"""Most seconds of latency to count on, since the average may include waits for limits."""

_DENIED = (401, 403)

_RETAINED = ("last tagged version", "last version", "5000 downloads")
"""The stable parts of the messages with which GitHub refuses a deletion for good.

The status is 400 or 422. Source: GitHub, "Deleting and restoring a package": no public version
with more than 5,000 downloads, and not the last (tagged) version, which is deleted as a package.
"""


class GhcrRegistry(GhcrReader):
    """A `Registry` of GitHub's packages, which can be restored for thirty days."""

    def listing(self, repository: Repository) -> Listing:
        """List every version of a package, and keep the page that each is on, until the next one.

        Raises: EvidenceError, as that of the reader.
        """
        listing, reading = self._list(repository)
        self._positions = {repository: PagePositions(reading.places)}
        return listing

    def watching(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
    ) -> AbstractContextManager[None]:
        """Do nothing: `newest` finds new versions and tags with one page of the listing."""
        return nullcontext()

    def pace(
        self,
        repository: Repository,
        changes: int,
        looked_at: Sequence[Version] = (),
        followers: Set[Digest] = frozenset(),
    ) -> None:
        """Wait until the reads of a look and the changes can be sent without a pause."""
        reads = self._reads(repository, looked_at, followers) if looked_at else 0
        costs = [READ_POINTS] * reads + [WRITE_POINTS] * changes
        # Half of the average latency: a request that is due earlier than the limit allows is not
        # sent at all, so the estimate must be low.
        each = min(self._api.http.latency, MAX_COUNTED_LATENCY) / 2
        self._api.budget.reserve(costs, each)

    def delete_together(
        self, repository: Repository, versions: Sequence[Version], may_send: Callable[[], bool]
    ) -> Iterator[tuple[Version, Deletion]]:
        """Delete versions one after the other: GitHub asks for changes one by one.

        Source: GitHub, "Best practices for using the REST API".
        """
        for version in versions:
            if may_send():
                yield version, self.delete(repository, version)

    def delete(self, repository: Repository, version: Version) -> Deletion:
        """Delete one version and, with it, all its tags.

        Raises: AccessError, when the right is missing.
        """
        path = self._version_path(repository, version)
        try:
            response = self._api.write_at_once("DELETE", path)
        except PostponedError as error:
            return Deletion(DeletionResult.REFUSED, message=str(error))
        except EvidenceError as error:
            return Deletion(DeletionResult.LOST, message=str(error))
        if response.status_code == 404 and not is_version_absent(response):
            return self._unclear_404(repository, version, response)
        return deletion_of(response, self._api.kind)

    def restore(self, repository: Repository, version: Version) -> Restoration:
        """Restore one deleted version, if GitHub can.

        Raises: AccessError, when the right is missing; EvidenceError, when the result is unknown.
        """
        path = f"{self._version_path(repository, version)}/restore"
        try:
            response = self._api.write_at_once("POST", path)
        except PostponedError as error:
            return Restoration(done=False, message=str(error), refused=True)
        except EvidenceError as error:
            # No answer: reading shows whether it was restored.
            return Restoration(self.version(repository, version) is not None, message=str(error))
        if response.status_code in _DENIED:
            raise failure(response, self._api.kind, Need.RESTORE)
        done = response.is_success or self.version(repository, version) is not None
        return Restoration(done, response.status_code, "" if done else reply_text(response))

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag to a version unless another one has it; return the digest that has it now.

        Raises: AccessError, when the right is missing; EvidenceError, when the result is unknown.
        """
        connection = self._connection
        refusal = partial(failure, kind=self._api.kind, purpose=Need.TAG)
        return attach_tag(
            connection.registry, self.documents, repository, version.digest, tag, refusal
        )

    def _unclear_404(
        self, repository: Repository, version: Version, response: httpx.Response
    ) -> Deletion:
        """Interpret a 404 that does not say that the version is absent.

        Raises: AccessError, when the version exists: with this 404 GitHub hides a missing right.
        """
        try:
            current = self.version(repository, version)
        except EvidenceError as error:
            return Deletion(DeletionResult.LOST, response.status_code, str(error))
        if current:
            raise denied(response, self._api.kind, Need.DELETE)
        return Deletion(DeletionResult.ABSENT, response.status_code, reply_text(response))


def deletion_of(response: httpx.Response, kind: TokenKind) -> Deletion:
    """Interpret the response to one DELETE.

    Raises: AccessError, when the right is missing.
    """
    # A 403 may come from a limit, which is no missing right.
    is_forbidden = response.status_code == 403 and github_refusal(response) is None
    if response.status_code == 401 or is_forbidden:
        raise denied(response, kind, Need.DELETE)
    return Deletion(
        _result(response),
        response.status_code,
        "" if response.is_success else reply_text(response),
        response.headers.get("x-github-request-id", ""),
    )


def _result(response: httpx.Response) -> DeletionResult:
    match response.status_code:
        case 204:
            return DeletionResult.DELETED
        case 404:
            return DeletionResult.ABSENT
        case 400 | 422 if any(part in reply_text(response) for part in _RETAINED):
            return DeletionResult.RETAINED
        # No success but 204 is documented: whether it was deleted, only a read shows.
        case status if status >= 500 or response.is_success:
            return DeletionResult.LOST
        case _:
            return DeletionResult.FAILED
