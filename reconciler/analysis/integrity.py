"""Find images that cannot be pulled completely: what is missing, and when it was deleted."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from reconciler.core.history import Attempt
from reconciler.errors import ExitCode
from reconciler.model.inventory import Observations
from reconciler.model.manifest import Descriptor, Manifest
from reconciler.model.names import Digest, Repository, Tag

Documents: TypeAlias = Mapping[Digest, Manifest | None]
"""The manifests that were read; None for those that the registry lacks."""


class ImagePart(StrEnum):
    """The parts of an image."""

    MANIFEST = "manifest"
    CONFIGURATION = "configuration"
    LAYER = "layer"


@dataclass(frozen=True, slots=True)
class MissingPart:
    """One part that an image refers to and the registry lacks.

    Shape: `platform` is from the index that lists it. `run` deleted it at `gone`, where the journal
        records that; `last_seen` is when a run first observed it.
    Units: `size` in bytes, 0 where it is unknown.
    """

    digest: Digest
    part: ImagePart
    platform: str = ""
    size: int = 0
    gone: datetime | None = None
    run: str = ""
    last_seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class BrokenImage:
    """One tagged image that cannot be pulled completely. Shape: `missing` is never empty."""

    digest: Digest
    tags: tuple[Tag, ...]
    missing: tuple[MissingPart, ...]


@dataclass(frozen=True, slots=True)
class IntegrityResult:
    """The result for one repository; `error` is why it could not be read.

    Shape: `blobs` is None where blobs were not checked; `foreign` counts the non-distributable
        layers, which a registry need not have.
    """

    repository: Repository
    images: int = 0
    manifests: int = 0
    blobs: int | None = None
    foreign: int = 0
    broken: tuple[BrokenImage, ...] = ()
    dangling: tuple[Tag, ...] = ()
    """Tags that the registry lists without a manifest."""

    error: str = ""
    hint: str = ""
    failure: ExitCode = ExitCode.OK

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command with this result."""
        if self.error:
            return self.failure
        return ExitCode.CHANGES if self.broken or self.dangling else ExitCode.OK


def listed(manifest: Manifest | None) -> Iterator[Descriptor]:
    """Yield the manifests that an index lists; entries of a build cache are blobs."""
    children = manifest.children if manifest else ()
    return (child for child in children if not child.is_blob)


def blobs_of(manifest: Manifest | None) -> Iterator[tuple[ImagePart, Descriptor]]:
    """Yield the configuration and the layers of a manifest or build cache."""
    if manifest is None:
        return
    if manifest.config:
        yield ImagePart.CONFIGURATION, manifest.config
    caches = (child for child in manifest.children if child.is_blob)
    yield from ((ImagePart.LAYER, layer) for layer in (*manifest.layers, *caches))


def holes(
    root: Digest, documents: Documents, lacking: Container[Digest] = frozenset()
) -> Iterator[MissingPart]:
    """Yield each part that one image lacks: manifests that are None, and `lacking` blobs."""
    # Iterative and with visited digests: hostile indexes may be nested deeply or list each other.
    visited = {root}
    ahead: list[MissingPart] = [MissingPart(root, ImagePart.MANIFEST)]
    while ahead:
        here = ahead.pop()
        document = documents[here.digest]
        if document is None:
            yield here
        for part, blob in blobs_of(document):
            # A registry need not have foreign layers, so these are never missing.
            if blob.digest in lacking and blob.digest not in visited and not blob.foreign:
                visited.add(blob.digest)
                yield replace(here, digest=blob.digest, part=part, size=blob.size)
        for child in listed(document):
            if child.digest not in visited:
                visited.add(child.digest)
                ahead.append(
                    MissingPart(child.digest, ImagePart.MANIFEST, child.platform, child.size)
                )


def add_history(
    missing: Iterable[MissingPart], deletions: Sequence[Attempt], observations: Observations
) -> tuple[MissingPart, ...]:
    """Add from the journal which run deleted a part and when, or when it was first observed."""
    # A deletion that was undone is not the reason why the part is missing now.
    known = {attempt.digest: attempt for attempt in deletions if attempt.is_standing}
    dated: list[MissingPart] = []
    for part in missing:
        deletion = known.get(part.digest)
        observation = observations.digests.get(part.digest)
        dated.append(
            replace(
                part,
                gone=deletion.at if deletion else None,
                run=deletion.run if deletion else "",
                last_seen=observation.first_seen if observation else None,
            )
        )
    return tuple(dated)
