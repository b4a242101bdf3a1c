"""Read manifests of versions that are there; what cannot be read is named, with the ways out."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.errors import EvidenceError, ManifestError
from reconciler.model.inventory import Version
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader

SHOWN = 5
"""Ways out written in full; the message names every version."""


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
        found = reader.documents.manifests(repository, digests)
    except ManifestError as error:
        if error.flaws:
            flaws = {Digest(digest): words for digest, words in error.flaws.items()}
            raise unreadable(reader, repository, versions, flaws) from error
        raise
    lacking = {d: "the registry has no such manifest" for d, one in found.items() if one is None}
    if lacking:
        raise unreadable(reader, repository, versions, lacking)
    return {digest: manifest for digest, manifest in found.items() if manifest}


def unreadable(
    reader: RegistryReader,
    repository: Repository,
    versions: Mapping[Digest, Version],
    flaws: Mapping[Digest, str],
) -> EvidenceError:
    """Make the error of versions whose documents tell nothing, so that all else must stay."""
    named = [versions.get(digest, Version(digest)) for digest in sorted(flaws)]
    described = "; ".join(f"{_described(one)}: {flaws[one.digest]}" for one in named)
    return EvidenceError(
        f"{repository}: what these versions list cannot be read: {described}",
        hint="Nothing was deleted in this repository. Run again, in case the registry recovers."
        f" Else delete {'it' if len(named) == 1 else 'them'} by hand:"
        f" {'; '.join(_commands(reader, repository, named))}. Or keep exactly"
        f" {'it' if len(named) == 1 else 'them'}, and declare that nothing is read from it: add"
        f" to the policy, under `protect`: {_entry(named)}",
    )


def _described(version: Version) -> str:
    tags = f"tags {', '.join(version.tags)}" if version.tags else "no tag"
    number = f"version {version.id}, " if version.id else ""
    return f"{version.digest} ({number}{tags})"


def _commands(
    reader: RegistryReader, repository: Repository, versions: list[Version]
) -> Iterator[str]:
    yield from (reader.deletion_command(repository, one) for one in versions[:SHOWN])
    if len(versions) > SHOWN:
        yield f"and so on for {len(versions) - SHOWN} more"


def _entry(versions: list[Version]) -> str:
    """Write the entry of a policy that keeps versions and declares that nothing is read."""
    digests = ", ".join(f'"{version.digest}"' for version in versions)
    return f"{{name: unreadable, digests: [{digests}], opaque: true}}"
