"""Attach a tag to a manifest that a registry has, unless another manifest has that tag.

Source: OCI distribution-spec v1.1, "Pushing Manifests": the same bytes under a tag are no new
manifest.
"""

from reconciler.errors import EvidenceError
from reconciler.model.names import Digest, Repository, Tag
from reconciler.providers.documents import Documents
from reconciler.providers.heads import Refusal, digest_of
from reconciler.transport.http import Client

_CREATED = 201


def attach(
    client: Client,
    documents: Documents,
    repository: Repository,
    digest: Digest,
    tag: Tag,
    refusal: Refusal,
) -> Digest:
    """Attach a free tag; return the digest that has it now.

    Registries have no conditional push, so the tag is looked at right before.

    Raises: EvidenceError, when the document cannot be read; what `refusal` makes of an answer.
    """
    holder = digest_of(client, repository, tag, refusal)
    if holder:
        return holder
    document = documents.manifest_bytes(repository, digest)
    if document is None:
        raise EvidenceError(f"{repository}@{digest}: its manifest cannot be read")
    media_type, body = document
    response = client.write(
        "PUT",
        f"/v2/{repository.path}/manifests/{tag}",
        headers={"Content-Type": media_type},
        content=body,
    )
    if response.status_code != _CREATED:
        raise refusal(response)
    return digest
