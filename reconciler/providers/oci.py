"""Any OCI registry, changed: deletions by digest, which cannot be taken back."""

from functools import partial

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.ports import Deletion, DeletionResult, Restoration
from reconciler.providers.oci_access import Action, failure
from reconciler.providers.oci_deletion import PROBE, deletion_of, refusal_of_probe
from reconciler.providers.oci_reader import OciReader
from reconciler.providers.tagging import attach


class OciRegistry(OciReader):
    """A `Registry` of the OCI specification, which tells no limits and has no way back."""

    def pace(self, deletions: int) -> None:
        """Wait for nothing: what a registry allows is not known, and a 429 is an answer."""

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
        try:
            response = self._client.write(
                "DELETE", f"/v2/{repository.path}/manifests/{version.digest}"
            )
        except EvidenceError as error:
            return Deletion(DeletionResult.LOST, message=str(error))
        return deletion_of(response, self._credentials(repository.path))

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
