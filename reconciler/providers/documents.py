"""Read manifests and blobs by digest, verify them, and attach a tag to a manifest.

Source: OCI distribution-spec v1.1, "Pulling manifests", "Pulling blobs" and "Pushing Manifests":
pushing the same bytes under a tag creates no new manifest. OCI image-spec v1.1, annotations.md and
config.md (`created`).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, TypeAlias

from reconciler.errors import EvidenceError, ExhaustedError, ManifestError
from reconciler.model.inventory import EARLIEST
from reconciler.model.manifest import MAX_MANIFEST_BYTES, Manifest, parse_manifest, verify
from reconciler.model.names import Digest, Repository, Tag
from reconciler.providers.heads import (
    HEADERS,
    ErrorBuilder,
    digest_of,
    has_blob,
    head_manifest,
    is_absent,
)
from reconciler.transport.bounds import MAX_DOCUMENT_BYTES
from reconciler.transport.cache import Document, ManifestCache
from reconciler.transport.client import Client

PARALLEL_READS = 20
"""Documents read at once from a registry whose limits are not known."""

BATCH = 500
"""Documents in memory as bytes at once: 500 of the largest manifests (4 MiB) take 2 GB."""

Kind: TypeAlias = Literal["manifests", "blobs"]

_CREATED = 201


class DocumentReader:
    """Reads documents of one registry; one that is in the cache is not downloaded again."""

    def __init__(
        self,
        client: Client,
        cache: ManifestCache,
        refusal: ErrorBuilder,
        *,
        parallel: int = PARALLEL_READS,
    ) -> None:
        """Read through a client, `parallel` documents at once.

        `refusal` builds the error for an unexpected response.
        """
        self._client = client
        self._cache = cache
        self._refusal = refusal
        self._parallel = parallel
        self._lock = Lock()
        self._counted: defaultdict[Repository, set[Digest]] = defaultdict(set)
        self._bytes: defaultdict[Repository, int] = defaultdict(int)
        """The total size of the distinct documents of each repository, in bytes."""

        self._shared: defaultdict[Repository, int] = defaultdict(int)

    def manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, Manifest | None]:
        """Read and verify many manifests; None for one that the registry does not have.

        Raises: ManifestError, naming every manifest that does not match its digest, after the
            others were read; the error that `refusal` builds.
        """
        manifests: dict[Digest, Manifest | None] = {}
        flaws: dict[str, str] = {}
        for batch in _batches(digests):
            for digest, document in self._read(repository, "manifests", batch, flaws).items():
                try:
                    manifests[digest] = parse_manifest(digest, *document) if document else None
                except ManifestError as error:
                    flaws[digest] = str(error)
        if flaws:
            raise ManifestError("; ".join(flaws.values()), flaws=flaws)
        return manifests

    def raw_manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, Document | None]:
        """Read and verify many manifests, and return their media types and bytes as pushed."""
        documents: dict[Digest, Document | None] = {}
        for batch in _batches(digests):
            documents |= self._read(repository, "manifests", batch)
        return documents

    def manifest_bytes(self, repository: Repository, digest: Digest) -> Document | None:
        """Return one verified manifest as pushed; None if the registry does not have it."""
        return self._read(repository, "manifests", [digest])[digest]

    def blobs(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, bytes | None]:
        """Read and verify many small blobs, such as image configs; None for a missing one."""
        blobs: dict[Digest, bytes | None] = {}
        for batch in _batches(digests):
            for digest, document in self._read(repository, "blobs", batch).items():
                blobs[digest] = document[1] if document else None
        return blobs

    def present(self, repository: Repository, digests: Iterable[Digest]) -> dict[Digest, bool]:
        """Ask the registry, without the cache, which of many manifests exist now."""

        def ask(digest: Digest) -> bool:
            return head_manifest(self._client, repository, digest, self._refusal) is not None

        return self._client.workers.gather(ask, digests, self._parallel)

    def blobs_present(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, bool]:
        """Ask the registry which of many blobs exist now; no layer is downloaded."""

        def ask(digest: Digest) -> bool:
            return has_blob(self._client, repository, digest, self._refusal)

        return self._client.workers.gather(ask, digests, self._parallel)

    def requests(self, repository: Repository) -> int:
        """Return how many requests got what they asked for about a repository.

        A document that this run downloaded for another repository counts as well: which of the two
        is first depends on the time.
        """
        path = f"/v2/{repository.path}/tags/list"
        with self._lock:
            return self._client.successes(path) + self._shared[repository]

    def unread(self, digests: Iterable[Digest]) -> list[Digest]:
        """Return the documents that are not in the cache, each once."""
        wanted = list(dict.fromkeys(digests))
        known = self._cache.known(wanted)
        return [digest for digest in wanted if digest not in known]

    def created(
        self, repository: Repository, manifests: Iterable[Manifest]
    ) -> dict[Digest, datetime | None]:
        """Read when each image was created: from its annotation, else its config; else None."""
        images = list(manifests)
        configs = {
            manifest.digest: manifest.config.digest
            for manifest in images
            if not manifest.created and manifest.config and manifest.config.is_image_config
        }
        bodies = self.blobs(repository, configs.values())
        texts = {digest: _config_created(bodies[config]) for digest, config in configs.items()}
        return {m.digest: parse_time(m.created or texts.get(m.digest, "")) for m in images}

    def _read(
        self,
        repository: Repository,
        kind: Kind,
        digests: list[Digest],
        flaws: dict[str, str] | None = None,
    ) -> Mapping[Digest, Document | None]:
        """Read one batch; what was downloaded is cached even if another document fails.

        With `flaws`, a document that does not match its digest is added there and is no error.
        """
        documents = self._cache.get(digests)
        for digest, document in documents.items():
            self._count(repository, digest, document, shared=self._cache.is_new(digest))
        missing = [digest for digest in digests if digest not in documents]
        fetched: dict[Digest, Document] = {}

        def fetch(digest: Digest) -> None:
            path = f"/v2/{repository.path}/{kind}/{digest}"
            response = self._client.get(path, headers=HEADERS, limit=MAX_MANIFEST_BYTES)
            if is_absent(response):
                return
            if response.status_code != 200:
                raise self._refusal(response)
            try:
                verify(digest, response.content)
            except ManifestError as error:
                if flaws is None:
                    raise
                flaws[digest] = str(error)
                return
            document = response.headers.get("content-type", ""), response.content
            fetched[digest] = document
            self._count(repository, digest, document)

        try:
            self._client.workers.gather(fetch, missing, self._parallel)
        finally:
            self._cache.put(fetched)
        return {digest: documents.get(digest) or fetched.get(digest) for digest in digests}

    def _count(
        self, repository: Repository, digest: Digest, document: Document, *, shared: bool = False
    ) -> None:
        """Count the size of a document, once however often it is read.

        It is `shared`, where this run has downloaded it for another repository.

        Raises: ExhaustedError, when the documents of the repository are too large in total.
        """
        with self._lock:
            if digest not in self._counted[repository]:
                self._counted[repository].add(digest)
                self._shared[repository] += shared
                self._bytes[repository] += len(document[1])
            if self._bytes[repository] > MAX_DOCUMENT_BYTES:
                raise ExhaustedError(
                    f"{repository}: its documents exceed {MAX_DOCUMENT_BYTES} bytes in total"
                )


def _batches(digests: Iterable[Digest]) -> Iterable[list[Digest]]:
    wanted = list(dict.fromkeys(digests))
    return (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH))


def parse_time(text: str) -> datetime | None:
    """Parse a time of RFC 3339; None if it is invalid or older than any container image."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo and moment >= EARLIEST:
            return moment.astimezone(UTC)
    return None


def _config_created(body: bytes | None) -> str:
    """Return `created` of an image configuration; empty if it is missing or unreadable."""
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        return str(json.loads(body or b"")["created"] or "")
    return ""


def attach_tag(
    client: Client,
    documents: DocumentReader,
    repository: Repository,
    digest: Digest,
    tag: Tag,
    refusal: ErrorBuilder,
) -> Digest:
    """Attach a tag that points to nothing; return the digest that it points to now.

    Raises: EvidenceError, when the manifest cannot be read; the error that `refusal` builds.
    """
    # Registries have no conditional push: a tag that another image took must not be moved, so the
    # tag is read right before the push.
    current = digest_of(client, repository, tag, refusal)
    if current:
        return current
    document = documents.manifest_bytes(repository, digest)
    if document is None:
        raise EvidenceError(f"{repository}@{digest}: its manifest cannot be read")
    media_type, body = document
    response = client.write(
        "PUT",
        f"/v2/{repository.path}/manifests/{tag}",
        headers={"content-type": media_type},
        content=body,
    )
    if response.status_code != _CREATED:
        raise refusal(response)
    return digest
