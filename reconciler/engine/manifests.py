"""Read manifests of listed versions, and the build times that they claim.

The error for manifests that cannot be read says how to resolve it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain

from reconciler.errors import EvidenceError, ManifestError
from reconciler.model.inventory import Inventory, Version
from reconciler.model.manifest import DocumentKind, Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader

MAX_COMMANDS = 5
"""Most commands in one hint; the message names every version."""


def read_manifests(
    reader: RegistryReader,
    repository: Repository,
    versions: Mapping[Digest, Version],
    digests: Iterable[Digest],
) -> dict[Digest, Manifest]:
    """Read and verify the documents of some of these versions.

    Raises: EvidenceError, naming each version whose document is missing or cannot be read.
    """
    try:
        manifests = reader.documents.manifests(repository, digests)
    except ManifestError as error:
        if error.flaws:
            flaws = {Digest(digest): reason for digest, reason in error.flaws.items()}
            raise unreadable(reader, repository, versions, flaws) from error
        raise
    missing = [digest for digest, manifest in manifests.items() if manifest is None]
    if missing:
        flaws = dict.fromkeys(missing, "the registry has no such manifest")
        raise unreadable(reader, repository, versions, flaws)
    return {digest: manifest for digest, manifest in manifests.items() if manifest}


def unreadable(
    reader: RegistryReader,
    repository: Repository,
    versions: Mapping[Digest, Version],
    flaws: Mapping[Digest, str],
) -> EvidenceError:
    """Return the error for versions that may list anything, so that nothing can be deleted."""
    named = [versions.get(digest, Version(digest)) for digest in sorted(flaws)]
    described = "; ".join(f"{_described(version)}: {flaws[version.digest]}" for version in named)
    commands = [reader.deletion_command(repository, version) for version in named[:MAX_COMMANDS]]
    if len(named) > MAX_COMMANDS:
        commands.append(f"and so on for {len(named) - MAX_COMMANDS} more")
    them = "it" if len(named) == 1 else "them"
    # By digest, so that the entry protects exactly these versions and nothing that comes later.
    digests = ", ".join(f'"{version.digest}"' for version in named)
    return EvidenceError(
        f"{repository}: what these versions list cannot be read: {described}",
        hint="Nothing was deleted in this repository. Run again, in case the registry recovers."
        f" Else delete {them} by hand: {'; '.join(commands)}. Or keep exactly {them}, and declare"
        " that nothing is read from it: add to the policy, under `protect`:"
        f" {{name: unreadable, digests: [{digests}], opaque: true}}",
    )


def _described(version: Version) -> str:
    tags = f"tags {', '.join(version.tags)}" if version.tags else "no tag"
    number = f"version {version.id}, " if version.id else ""
    return f"{version.digest} ({number}{tags})"


def creation_times(
    reader: RegistryReader, repository: Repository, documents: Mapping[Digest, Manifest]
) -> dict[Digest, datetime]:
    """Read the time each document claims; an index without one takes its newest image's.

    Shape: documents whose time is unknown are left out.
    """
    indexes = [m for m in documents.values() if m.shape is DocumentKind.INDEX and not m.created]
    wanted = set(chain.from_iterable(map(_images, indexes))) - documents.keys()
    children = reader.documents.manifests(repository, sorted(wanted)).values()
    claimed = reader.documents.created(repository, [*documents.values(), *filter(None, children)])
    times = {digest: moment for digest, moment in claimed.items() if moment}
    newest = {
        index.digest: max(filter(None, map(times.get, _images(index))), default=None)
        for index in indexes
    }
    return times | {digest: moment for digest, moment in newest.items() if moment}


def with_creation_times(reader: RegistryReader, inventory: Inventory) -> Inventory:
    """Add the build times that images claim, for a policy with `age_by: created`."""
    versions = inventory.versions
    documents = {d: version.manifest for d, version in versions.items() if version.manifest}
    times = creation_times(reader, inventory.repository, documents)
    dated = {d: replace(version, created=times.get(d)) for d, version in versions.items()}
    return replace(inventory, versions=dated)


def _images(index: Manifest) -> list[Digest]:
    """Return the platform images of an index, which are built when it is."""
    return [c.digest for c in index.children if c.is_plain_image and not c.attestation]
