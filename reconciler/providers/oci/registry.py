"""Any OCI registry, with deletion by digest, which cannot be undone.

Source: OCI distribution-spec v1.1, "Deleting Manifests".
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from reconciler.errors import (
    DeletionDisabledError,
    EvidenceError,
    PostponedError,
    ReconcilerError,
    UnreachableError,
)
from reconciler.model.base import safe
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import MAX_REQUEST_ID, Deletion, DeletionResult, Restoration
from reconciler.providers.documents import attach_tag
from reconciler.providers.heads import codes_of, is_absent, message_of
from reconciler.providers.oci.errors import DENIED, Action, error_text, failure
from reconciler.providers.oci.reader import OciReader
from reconciler.providers.oci.rounds import NEVER, Rounds
from reconciler.transport.credentials import Credential
from reconciler.transport.limits import Reason, retry_after
from reconciler.transport.retry import LONGEST_ASKED, TEMPORARY

SHORTEST_WAIT = 1.0
"""The wait after a 429 without Retry-After, in seconds; doubled each time."""

PROBE = Digest("sha256:" + hashlib.sha256(b"reconciler asks whether it may delete").hexdigest())
"""The digest of a text that is not a manifest, so that no registry can have a manifest with it."""

_DONE = frozenset({200, 202, 204})
_TOO_MANY = 429
_IN_USE = frozenset({409, 412})
"""Statuses of a registry that keeps an image, such as 412 for an immutable tag."""

_DISABLED_HINT = (
    "Enable deletion in the registry: for CNCF distribution, set"
    " REGISTRY_STORAGE_DELETE_ENABLED=true and end its read-only mode. A pull-through cache and"
    " Docker Hub do not support deletion."
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of one DELETE."""

    deletion: Deletion
    asked: float | None = None
    """The wait that its response asks for, in seconds, 0 for none; None without a response."""


class OciRegistry(OciReader):
    """A `Registry` of the OCI specification, which announces no limits and cannot restore."""

    _free_at = 0.0
    """When the next change may be sent after a 429, by the monotonic clock."""

    _refusals = 0
    """How many changes in a row were refused with a 429."""

    @contextmanager
    def watching(self, repository: Repository) -> Iterator[None]:
        """Read all tags again and again, in a thread, while deletions are sent."""
        client = self._client
        rounds = Rounds(
            self._tags,
            repository,
            self._readings.get(repository, NEVER),
            client.monotonic,
            lambda seconds: client.wait("reading all tags", seconds),
        )
        self._rounds[repository] = rounds
        try:
            with rounds.running():
                yield
        finally:
            del self._rounds[repository]

    def pace(
        self,
        repository: Repository,
        changes: int,  # noqa: ARG002 - the port has it
        looked_at: Sequence[Version] = (),  # noqa: ARG002 - the port has it
        followers: Set[Digest] = frozenset(),  # noqa: ARG002 - the port has it
    ) -> None:
        """Wait as long as a 429 requested, and until all tags were read recently."""
        delay = self._free_at - self._client.monotonic()
        if delay > 0:
            self._client.wait(Reason.REGISTRY, delay)
        if rounds := self._rounds.get(repository):
            rounds.await_fresh()

    def check_deletion(self, repository: Repository) -> None:
        """Check with a DELETE of a digest that cannot exist whether deletion is allowed.

        Raises: AccessError or DeletionDisabledError; EvidenceError, when the answer is unclear.
        """
        # The specification has no other way to ask: a registry that allows deletion answers 404.
        response = self._client.write("DELETE", f"/v2/{repository.path}/manifests/{PROBE}")
        if refusal := refusal_of_probe(response, self._credentials(repository.path)):
            raise refusal

    def delete_together(
        self, repository: Repository, versions: Sequence[Version], may_send: Callable[[], bool]
    ) -> Iterator[tuple[Version, Deletion]]:
        """Delete manifests by their digests, and with each every tag that points to it.

        Each is sent by a thread of its own.

        Raises: AccessError, when the right is missing; DeletionDisabledError.
        """
        rounds = self._rounds.get(repository)
        if rounds:
            rounds.expect_gone(tag for version in versions for tag in version.tags)

        def send(version: Version) -> _Answer | None:
            if not may_send():
                return None
            # A tag may have been moved to this image since: see `Rounds`.
            if rounds and not rounds.is_fresh:
                message = "not sent: the tags were not read recently enough"
                return _Answer(Deletion(DeletionResult.REFUSED, message=message))
            return self._send(repository, version)

        # All of them end before an answer is used: what was deleted is recorded before an error.
        with ThreadPoolExecutor(len(versions)) as pool:
            sent = [(version, pool.submit(send, version)) for version in versions]
        answers = [
            (version, answer)
            for version, future in sent
            if not future.exception() and (answer := future.result())
        ]
        self._learn_wait([answer for _, answer in answers if answer.asked is not None])
        yield from ((version, answer.deletion) for version, answer in answers)
        for _, future in sent:
            future.result()

    def _send(self, repository: Repository, version: Version) -> "_Answer":
        """Send one DELETE."""
        try:
            response = self._client.write_at_once(
                "DELETE", f"/v2/{repository.path}/manifests/{version.digest}"
            )
        except PostponedError as error:
            return _Answer(Deletion(DeletionResult.REFUSED, message=str(error)))
        except EvidenceError as error:
            return _Answer(Deletion(DeletionResult.LOST, message=str(error)))
        deletion = deletion_of(response, self._credentials(repository.path))
        return _Answer(deletion, retry_after(response) or 0.0)

    def _learn_wait(self, answers: Sequence["_Answer"]) -> None:
        """Wait as long as the refusals among answers ask; without a wish, twice as long each time.

        Those that were sent together count as one refusal.
        """
        refused = [
            answer.asked or 0.0
            for answer in answers
            if answer.deletion.result is DeletionResult.REFUSED
        ]
        if answers:
            self._refusals = self._refusals + 1 if refused else 0
        if refused:
            asked = max(refused) or SHORTEST_WAIT * 2.0 ** (self._refusals - 1)
            self._free_at = self._client.monotonic() + min(asked, LONGEST_ASKED)

    def restore(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
        version: Version,  # noqa: ARG002 - the port has it
    ) -> Restoration:
        """Do nothing: the specification has no way to restore."""
        return Restoration(done=False, message="this registry cannot restore")

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag to a version unless another one has it; return the digest that has it now.

        Raises: AccessError, when the right is missing; EvidenceError, when the result is unknown.
        """
        credential = self._credentials(repository.path)
        refusal = partial(failure, action=Action.PUSH, credential=credential)
        return attach_tag(self._client, self.documents, repository, version.digest, tag, refusal)


def deletion_of(response: httpx.Response, credential: Credential) -> Deletion:
    """Interpret the response to one DELETE.

    Raises: AccessError, when the right is missing; DeletionDisabledError.
    """
    if response.status_code in DENIED:
        raise failure(response, Action.DELETE, credential)
    if _is_disabled(response):
        raise _disabled(response)
    return Deletion(
        _result(response),
        status=response.status_code,
        message="" if response.status_code in _DONE else message_of(response),
        request_id=safe(response.headers.get("x-request-id", "")[:MAX_REQUEST_ID]),
    )


def refusal_of_probe(response: httpx.Response, credential: Credential) -> ReconcilerError | None:
    """Return the error that the response to the probe stands for; None if deletion is allowed."""
    if response.status_code in _DONE or is_absent(response):
        return None
    if _is_disabled(response):
        return _disabled(response)
    if response.status_code in TEMPORARY:
        return UnreachableError(error_text(response))
    return failure(response, Action.DELETE, credential)


def _result(response: httpx.Response) -> DeletionResult:
    if response.status_code in _DONE:
        return DeletionResult.DELETED
    if is_absent(response):
        return DeletionResult.ABSENT
    if response.status_code == _TOO_MANY:
        return DeletionResult.REFUSED
    # A proxy may answer 502 or 504 for a DELETE that the registry carries out.
    if response.status_code in TEMPORARY:
        return DeletionResult.LOST
    if response.status_code in _IN_USE or _is_in_use(response):
        return DeletionResult.RETAINED
    return DeletionResult.FAILED


def _is_in_use(response: httpx.Response) -> bool:
    """Whether zot refuses because an index lists the digest: it answers 405 with DENIED."""
    return response.status_code == 405 and "DENIED" in codes_of(response)


def _is_disabled(response: httpx.Response) -> bool:
    """Whether the registry refuses any deletion.

    Source: OCI distribution-spec v1.1, "Deleting Manifests": 400 or 405, code UNSUPPORTED.
    """
    if response.status_code == 405:
        return not _is_in_use(response)
    return response.status_code == 400 and "UNSUPPORTED" in codes_of(response)


def _disabled(response: httpx.Response) -> DeletionDisabledError:
    return DeletionDisabledError(
        f"the registry does not allow deletion: {error_text(response)}", hint=_DISABLED_HINT
    )
