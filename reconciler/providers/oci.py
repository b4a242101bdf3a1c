"""Any OCI registry, changed: deletions by digest, which cannot be taken back."""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from functools import partial

from reconciler.errors import EvidenceError, PostponedError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Deletion, DeletionResult, Restoration
from reconciler.providers.oci_access import Action, failure
from reconciler.providers.oci_deletion import PROBE, deletion_of, refusal_of_probe
from reconciler.providers.oci_reader import OciReader
from reconciler.providers.oci_rounds import Reading, Rounds
from reconciler.providers.tagging import attach
from reconciler.transport.limits import Reason, retry_after
from reconciler.transport.retry import LONGEST_ASKED

SHORTEST_WAIT = 1.0
"""How long is waited after a 429 that does not say, in seconds; twice as long each time."""


class OciRegistry(OciReader):
    """A `Registry` of the OCI specification, which tells no limits and has no way back."""

    _free_at = 0.0
    """When the next change may be sent after a 429, by the steady clock."""

    _refusals = 0
    """How many changes were refused one after another."""

    @contextmanager
    def watching(self, repository: Repository) -> Iterator[None]:
        """Read all tags in rounds beside the deletions."""
        client = self._client
        never = Reading({}, float("-inf"), float("-inf"))
        rounds = Rounds(
            self._tags,
            repository,
            self._readings.get(repository, never),
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
        """Wait as long as a 429 asked for, and until all tags were read lately."""
        delay = self._free_at - self._client.monotonic()
        if delay > 0:
            self._client.wait(Reason.REGISTRY, delay)
        if rounds := self._rounds.get(repository):
            rounds.await_fresh()

    def check_deletion(self, repository: Repository) -> None:
        """Ask the registry to delete what cannot exist, and see whether that is all it minds.

        Raises: AccessError or DeletionDisabledError; EvidenceError, when it cannot be known.
        """
        response = self._client.write("DELETE", f"/v2/{repository.path}/manifests/{PROBE}")
        if refusal := refusal_of_probe(response, self._credentials(repository.path)):
            raise refusal

    def delete(self, repository: Repository, version: Version) -> Deletion:
        """Delete one manifest by its digest and, with it, every tag that points to it.

        Raises: AccessError, when the right is missing; DeletionDisabledError.
        """
        if rounds := self._rounds.get(repository):
            if not rounds.is_fresh:
                message = "not sent: its tags were not read lately"
                return Deletion(DeletionResult.REFUSED, message=message)
            rounds.expect_gone(version.tags)
        try:
            response = self._client.write_at_once(
                "DELETE", f"/v2/{repository.path}/manifests/{version.digest}"
            )
        except PostponedError as error:
            return Deletion(DeletionResult.REFUSED, message=str(error))
        except EvidenceError as error:
            return Deletion(DeletionResult.LOST, message=str(error))
        deletion = deletion_of(response, self._credentials(repository.path))
        self._refusals = self._refusals + 1 if deletion.result is DeletionResult.REFUSED else 0
        if self._refusals:
            asked = retry_after(response) or SHORTEST_WAIT * 2.0 ** (self._refusals - 1)
            self._free_at = self._client.monotonic() + min(asked, LONGEST_ASKED)
        return deletion

    def restore(
        self,
        repository: Repository,  # noqa: ARG002 - the port has it
        version: Version,  # noqa: ARG002 - the port has it
    ) -> Restoration:
        """Do nothing: what is deleted here is gone."""
        return Restoration(done=False, message="this registry cannot restore")

    def tag(self, repository: Repository, version: Version, tag: Tag) -> Digest:
        """Attach a tag to a version unless another one has it; return the digest that has it now.

        Raises: AccessError, when the right is missing; EvidenceError, when it is not known.
        """
        credential = self._credentials(repository.path)
        refusal = partial(failure, action=Action.PUSH, credential=credential)
        return attach(self._client, self._documents, repository, version.digest, tag, refusal)
