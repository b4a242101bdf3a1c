"""When images say they were built: an annotation, a configuration, or the newest child's."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import chain

from reconciler.model.manifest import DocumentKind, Manifest
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import RegistryReader


def creation_times(
    reader: RegistryReader, repository: Repository, documents: Mapping[Digest, Manifest]
) -> dict[Digest, datetime]:
    """Read the time each document claims; an index without one takes its newest image's.

    Shape: documents whose time is unknown are left out.
    """
    indexes = [m for m in documents.values() if m.shape is DocumentKind.INDEX and not m.created]
    wanted = set(chain.from_iterable(map(_images, indexes))) - documents.keys()
    children = reader.manifests(repository, sorted(wanted)).values()
    told = reader.created(repository, [*documents.values(), *filter(None, children)])
    times = {digest: moment for digest, moment in told.items() if moment}
    newest = {index.digest: _newest(times, _images(index)) for index in indexes}
    return times | {digest: moment for digest, moment in newest.items() if moment}


def _images(index: Manifest) -> list[Digest]:
    """Return the platform images of an index, which are built when it is."""
    return [c.digest for c in index.children if c.is_plain_image and not c.attestation]


def _newest(times: Mapping[Digest, datetime], digests: Iterable[Digest]) -> datetime | None:
    return max((times[digest] for digest in digests if digest in times), default=None)
