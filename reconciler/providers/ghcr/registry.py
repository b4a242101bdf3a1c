"""GitHub Container Registry with deletion and restoration through the REST API.

Source: GitHub's OpenAPI description; the texts of its refusals.
"""

from collections.abc import Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import httpx

from reconciler.errors import EvidenceError, PostponedError
from reconciler.github.client import TokenKind, reply_text
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Deletion, DeletionResult, Restoration
from reconciler.providers.documents import attach
from reconciler.providers.ghcr.errors import Need, failure, refused, says_no_version
from reconciler.providers.ghcr.reader import GhcrReader
from reconciler.transport.limits import READ_POINTS, WRITE_POINTS, github_refusal

LONGEST_COUNTED = 0.1
"""Most seconds counted on for an answer, as waits for limits may be part of the average."""

_DENIED = (401, 403)

_RETAINED = ("last tagged version", "last version", "5000 downloads")
"""The stable parts of the texts with which GitHub keeps what it keeps; the status varies."""


class GhcrRegistry(GhcrReader):
    """A `Registry` of GitHub's packages, which GitHub can restore for thirty days."""

    def watching(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
    ) -> AbstractContextManager[None]:
        """Read nothing beside: a page of the listing shows all that is new."""
        return nullcontext()

    def pace(
        self,
        repository: Repository,
        changes: int,
        looked_at: Sequence[Version] = (),
        followers: Set[Digest] = frozenset(),
    ) -> None:
        """Wait until the reads of a look and so many changes may be sent without a pause."""
        reads = self._reads(repository, looked_at, followers) if looked_at else 0
        costs = [READ_POINTS] * reads + [WRITE_POINTS] * changes
        # Half of what an answer took so far: a request that comes too early is not sent at all.
        each = min(self._api.client.latency, LONGEST_COUNTED) / 2
        self._connection.budget.reserve(costs, each)

    def delete(self, repository: Repository, version: Version) -> Deletion:
        """Delete one version and, with it, all its tags.

        Raises: AccessError, when the right is missing.
        """
        path = self._version_path(repository, version)
        try:
            response = self._api.write("DELETE", path)
        except PostponedError as error:
            return Deletion(DeletionResult.REFUSED, message=str(error))
        except EvidenceError as error:
            return Deletion(DeletionResult.LOST, message=str(error))
        if response.status_code == 404 and not says_no_version(response):
            return self._hidden(repository, version, response)
        return deletion_of(response, self._api.kind)

    def restore(self, repository: Repository, version: Version) -> Restoration:
        """Bring one deleted version back, if GitHub will.

        Raises: AccessError, when the right is missing; EvidenceError, when it is not known.
        """
        path = f"{self._version_path(repository, version)}/restore"
        try:
            response = self._api.write("POST", path)
        except PostponedError as error:
            return Restoration(done=False, message=str(error), refused=True)
        except EvidenceError as error:
            return Restoration(self.version(repository, version) is not None, message=str(error))
        if response.status_code in _DENIED:
            raise failure(response, self._api.kind, Need.RESTORE)
        done = response.is_success or self.version(repository, version) is not None
        return Restoration(done, response.status_code, "" if done else reply_text(response))

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag to a version unless another one has it; return the digest that has it now.

        Raises: AccessError, when the right is missing; EvidenceError, when it is not known.
        """
        connection = self._connection
        refusal = partial(failure, kind=self._api.kind, need=Need.TAG)
        return attach(
            connection.registry, connection.documents, repository, version.digest, tag, refusal
        )

    def _hidden(
        self, repository: Repository, version: Version, response: httpx.Response
    ) -> Deletion:
        """Find out what a 404 means that does not say that the version is gone.

        Raises: AccessError, when it still is there: so GitHub hides that the right is missing.
        """
        try:
            found = self.version(repository, version)
        except EvidenceError as error:
            return Deletion(DeletionResult.LOST, response.status_code, str(error))
        if found:
            raise refused(response, self._api.kind, Need.DELETE)
        return Deletion(DeletionResult.ABSENT, response.status_code, reply_text(response))


def deletion_of(response: httpx.Response, kind: TokenKind) -> Deletion:
    """Translate the answer to one DELETE.

    Raises: AccessError, when the right is missing.
    """
    if response.status_code == 401 or _is_forbidden(response):
        raise refused(response, kind, Need.DELETE)
    return Deletion(
        _result(response),
        response.status_code,
        "" if response.is_success else reply_text(response),
        response.headers.get("x-github-request-id", ""),
    )


def _is_forbidden(response: httpx.Response) -> bool:
    return response.status_code == 403 and github_refusal(response) is None


def _result(response: httpx.Response) -> DeletionResult:
    match response.status_code:
        case 204:
            return DeletionResult.DELETED
        case 404:
            return DeletionResult.ABSENT
        case 400 | 422 if any(part in reply_text(response) for part in _RETAINED):
            return DeletionResult.RETAINED
        case status if status >= 500 or response.is_success:
            return DeletionResult.LOST
        case _:
            return DeletionResult.FAILED
