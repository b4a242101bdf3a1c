"""Look whether every tagged image of a repository is whole; nothing is changed."""

from collections.abc import Iterable, Iterator, Set

from reconciler.core.history import deletions
from reconciler.core.wholeness import Broken, Documents, Wholeness, add_history, blobs_of, holes
from reconciler.engine.existence import require_known
from reconciler.engine.noting import Note
from reconciler.engine.verify import documents_below
from reconciler.errors import ReconcilerError
from reconciler.model.inventory import Inventory, Version
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader, RepositoryState


def examine(
    reader: RegistryReader,
    repository: Repository,
    state: RepositoryState,
    *,
    blobs: bool,
    note: Note = lambda _: None,
) -> Wholeness:
    """Ask for everything below each tag, for configurations and layers too when `blobs` says so.

    What was found there is handed to `note`. A repository that cannot be read whole is told of as
    such, and holds no other one back.
    """
    try:
        return _examined(reader, repository, state, blobs=blobs, note=note)
    except ReconcilerError as error:
        return Wholeness(repository, error=str(error), hint=error.hint, failure=error.exit_code)


def _examined(
    reader: RegistryReader,
    repository: Repository,
    state: RepositoryState,
    *,
    blobs: bool,
    note: Note,
) -> Wholeness:
    listing = reader.listing(repository)
    tagged = [version for version in listing.versions if version.tags]
    require_known(repository, listing, [one.digest for one in tagged], state.observations())
    documents = documents_below(reader, repository, [version.digest for version in tagged])
    note(_seen(reader, repository, tagged, documents))
    named = {blob.digest: blob for one in documents.values() for _, blob in blobs_of(one)}
    wanted = sorted(digest for digest, blob in named.items() if not blob.foreign)
    present = reader.blobs_present(repository, wanted) if blobs else {}
    lacking = frozenset(digest for digest, there in present.items() if not there)
    return Wholeness(
        repository,
        images=len(tagged),
        manifests=len(documents),
        blobs=len(present) if blobs else None,
        foreign=len(named) - len(wanted),
        dangling=listing.broken,
        broken=tuple(_broken(tagged, documents, lacking, state)),
    )


def _seen(
    reader: RegistryReader,
    repository: Repository,
    tagged: Iterable[Version],
    documents: Documents,
) -> Inventory:
    """Return what was seen: the tagged versions, and what is there below them."""
    below = (Version(digest) for digest, document in documents.items() if document)
    versions = {**{one.digest: one for one in below}, **{one.digest: one for one in tagged}}
    return Inventory.of(repository, versions.values(), facts=reader.capabilities.facts)


def _broken(
    tagged: Iterable[Version],
    documents: Documents,
    lacking: Set[Digest],
    state: RepositoryState,
) -> Iterator[Broken]:
    """Yield each tagged image that has holes, with what the state knows of them."""
    gone, seen = deletions(state.records()), state.observations()
    for version in tagged:
        if missing := tuple(holes(version.digest, documents, lacking)):
            yield Broken(version.digest, version.tags, add_history(missing, gone, seen))
