"""When images say they were built.

Source: OCI image-spec v1.1, annotations.md and config.md (`created`).
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from reconciler.model.inventory import EARLIEST
from reconciler.model.manifest import Manifest
from reconciler.model.names import Digest, Repository
from reconciler.providers.documents import Documents


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
