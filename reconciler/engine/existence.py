"""Whether a repository that has no version is there at all."""

from collections.abc import Collection

from reconciler.errors import EvidenceError
from reconciler.model.inventory import Observations
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Listing


def require_known(
    repository: Repository,
    listing: Listing,
    found: Collection[Digest],
    seen: Observations,
) -> None:
    """Make sure that a repository of which nothing was `found` is not taken for an empty one.

    Raises: EvidenceError, when the registry says that it does not know the repository.
    """
    if not listing.unknown or found:
        return
    if remembered := len(seen.digests):
        raise EvidenceError(
            f"{repository}: the registry says that there is no such repository, and the state"
            f" remembers {remembered} images of it",
            hint="Nothing was deleted. Look whether this is the registry it was, with its storage"
            " in place. If the repository was removed on purpose, take it out of the policy.",
        )
    raise EvidenceError(
        f"{repository}: the registry says that there is no such repository",
        hint="Check its name. One to which no tag was ever pushed is not there either: take it out"
        " of the policy until one is.",
    )
