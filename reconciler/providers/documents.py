"""Documents of a registry by their digest, verified; build times; and tagging a manifest.

Source: OCI distribution-spec v1.1, "Pulling manifests", "Pulling blobs" and "Pushing Manifests":
the same bytes under a tag are no new manifest. OCI image-spec v1.1, annotations.md and config.md
(`created`).
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
from reconciler.providers.heads import HEADERS, Refusal, digest_of, holds_blob, look, says_absent
from reconciler.transport.bounds import MAX_DOCUMENT_BYTES
from reconciler.transport.cache import Document, ManifestCache
from reconciler.transport.client import Client
from reconciler.transport.parallel import gather

PARALLEL_READS = 20
"""Documents read at once.

Other clients of ghcr.io read ten at once and are not slowed down. With twice as many, answers
that take 100 ms make 12,000 reads a minute, well inside the 44,000 that its refusals name; some
tell of 2,000 a minute, and there either number is over, and waits for what the refusal says.
More gain nothing: at 20 ms an answer, twenty reads keep one interpreter busy.
"""

BATCH = 500
"""Documents held as bytes at once, between the registry, the cache and their reader."""

Kind: TypeAlias = Literal["manifests", "blobs"]

_CREATED = 201


class Documents:
    """Reads documents of one registry, each from the network at most once in its life."""

    def __init__(
        self,
        client: Client,
        cache: ManifestCache,
        refusal: Refusal,
    ) -> None:
        """Read through a client; `refusal` makes the error of an answer that is no document."""
        self._client = client
        self._cache = cache
        self._refusal = refusal
        self._lock = Lock()
        self._counted: defaultdict[Repository, set[Digest]] = defaultdict(set)
        self._bytes: defaultdict[Repository, int] = defaultdict(int)
        """What the different documents of each repository take, in bytes."""

    def manifests(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, Manifest | None]:
        """Read and verify many manifests; None for one the registry lacks.

        Raises: ManifestError, naming all that are not what their digests promise, once the others
            were read; what `refusal` makes.
        """
        found: dict[Digest, Manifest | None] = {}
        flaws: dict[str, str] = {}
        for batch in _batches(digests):
            for digest, document in self._read(repository, "manifests", batch, flaws).items():
                try:
                    found[digest] = parse_manifest(digest, *document) if document else None
                except ManifestError as error:
                    flaws[digest] = str(error)
        if flaws:
            raise ManifestError("; ".join(flaws.values()), flaws=flaws)
        return found

    def documents(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, Document | None]:
        """Read and verify many manifests, and return them as they were pushed."""
        found: dict[Digest, Document | None] = {}
        for batch in _batches(digests):
            found |= self._read(repository, "manifests", batch)
        return found

    def manifest_bytes(self, repository: Repository, digest: Digest) -> Document | None:
        """Return one manifest as it was pushed, and verified; None when the registry lacks it."""
        return self._read(repository, "manifests", [digest])[digest]

    def blobs(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, bytes | None]:
        """Read and verify many small blobs, such as configurations; None for one not there."""
        found: dict[Digest, bytes | None] = {}
        for batch in _batches(digests):
            for digest, document in self._read(repository, "blobs", batch).items():
                found[digest] = document[1] if document else None
        return found

    def present(self, repository: Repository, digests: Iterable[Digest]) -> dict[Digest, bool]:
        """Ask for many manifests whether the registry has them now, without the cache."""

        def ask(digest: Digest) -> bool:
            return look(self._client, repository, digest, self._refusal) is not None

        return gather(ask, digests, workers=PARALLEL_READS)

    def blobs_present(
        self, repository: Repository, digests: Iterable[Digest]
    ) -> dict[Digest, bool]:
        """Ask for many blobs whether the registry has them now; no layer is read."""

        def ask(digest: Digest) -> bool:
            return holds_blob(self._client, repository, digest, self._refusal)

        return gather(ask, digests, workers=PARALLEL_READS)

    def unread(self, digests: Iterable[Digest]) -> list[Digest]:
        """Tell which documents would have to be fetched, each once."""
        wanted = list(dict.fromkeys(digests))
        known = self._cache.known(wanted)
        return [digest for digest in wanted if digest not in known]

    def _read(
        self,
        repository: Repository,
        kind: Kind,
        digests: list[Digest],
        flaws: dict[str, str] | None = None,
    ) -> Mapping[Digest, Document | None]:
        """Read one batch; what was fetched is kept also when one of the others fails.

        Where `flaws` are gathered, what is not as its digest promises is noted there.
        """
        documents: dict[Digest, Document | None] = {**self._cache.get(digests)}
        for digest, document in documents.items():
            self._count(repository, digest, document)
        missing = [digest for digest in digests if digest not in documents]
        fetched: dict[Digest, Document] = {}

        def fetch(digest: Digest) -> None:
            try:
                document = self._fetch(f"/v2/{repository.path}/{kind}/{digest}", digest)
            except ManifestError as error:
                if flaws is None:
                    raise
                flaws[digest] = str(error)
                return
            if document:
                fetched[digest] = document
                self._count(repository, digest, document)

        try:
            gather(fetch, missing, workers=PARALLEL_READS)
        finally:
            self._cache.put(fetched)
        return {digest: documents.get(digest) or fetched.get(digest) for digest in digests}

    def _count(self, repository: Repository, digest: Digest, document: Document | None) -> None:
        """Count a document once, however often it is read.

        Raises: ExhaustedError, when all documents of the repository are too large together.
        """
        with self._lock:
            if document and digest not in self._counted[repository]:
                self._counted[repository].add(digest)
                self._bytes[repository] += len(document[1])
            if self._bytes[repository] > MAX_DOCUMENT_BYTES:
                raise ExhaustedError(
                    f"{repository}: its documents have more than {MAX_DOCUMENT_BYTES} bytes"
                )

    def _fetch(self, path: str, digest: Digest) -> Document | None:
        response = self._client.get(path, headers=HEADERS, limit=MAX_MANIFEST_BYTES)
        if says_absent(response):
            return None
        if response.status_code != 200:
            raise self._refusal(response)
        verify(digest, response.content)
        return response.headers.get("content-type", ""), response.content


def _batches(digests: Iterable[Digest]) -> Iterable[list[Digest]]:
    wanted = list(dict.fromkeys(digests))
    return (wanted[start : start + BATCH] for start in range(0, len(wanted), BATCH))


def read_creation(
    documents: Documents, repository: Repository, manifests: Iterable[Manifest]
) -> dict[Digest, datetime | None]:
    """Read each image's annotation, else its configuration; None where neither tells."""
    wanted = list(manifests)
    configs = {
        manifest.digest: manifest.config.digest
        for manifest in wanted
        if not manifest.created and manifest.config and manifest.config.is_image_config
    }
    bodies = documents.blobs(repository, configs.values())
    claims = {digest: _claim(bodies[config]) for digest, config in configs.items()}
    return {m.digest: moment_of(m.created or claims.get(m.digest, "")) for m in wanted}


def moment_of(text: str) -> datetime | None:
    """Read a time of RFC 3339; None for nonsense, and for what was before any container image."""
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo and moment >= EARLIEST:
            return moment.astimezone(UTC)
    return None


def _claim(body: bytes | None) -> str:
    """Return what a configuration says; one that is missing or unreadable says nothing."""
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        return str(json.loads(body or b"")["created"] or "")
    return ""


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
