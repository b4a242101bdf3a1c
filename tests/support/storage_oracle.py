"""What is true of a storage, from its raw bytes and nothing of Reconciler's own graph."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from tests.support.storage import Storage

_COMPANION_TAGS = ("", ".sig", ".att", ".sbom")
_ATTESTATION = "attestation-manifest"


@lru_cache(maxsize=4096)
def body(content: bytes) -> dict[str, Any]:
    """Read a document's bytes; layers of build caches are none."""
    document: dict[str, Any] = json.loads(content) if content.startswith(b"{") else {}
    return document


def parents(storage: Storage) -> dict[str, set[str]]:
    """Map each digest to the live indexes that list it."""
    found: dict[str, set[str]] = {}
    for stored in storage.live.values():
        for child in body(stored.document.content).get("manifests", ()):
            found.setdefault(child["digest"], set()).add(stored.digest)
    return found


def companions(storage: Storage) -> dict[str, set[str]]:
    """Map each live digest to its live signatures and referrers.

    An attestation that an index lists is left out: it belongs to the index.
    """
    found: dict[str, set[str]] = {}
    listed, tags = listed_attestations(storage), storage.tags
    for stored in storage.live.values():
        subject = body(stored.document.content).get("subject", {}).get("digest", "")
        if subject in storage.live and stored.digest not in listed:
            found.setdefault(subject, set()).add(stored.digest)
        names = (stored.digest.replace(":", "-") + suffix for suffix in _COMPANION_TAGS)
        speaking = {tags[name] for name in names if name in tags} - {stored.digest}
        found.setdefault(stored.digest, set()).update(speaking)
    return found


def listed_attestations(storage: Storage) -> set[str]:
    """Return what was ever listed as an attestation by an index that is or was here."""
    everything = (*storage.live.values(), *storage.deleted.values())
    return {
        child["digest"]
        for stored in everything
        for child in body(stored.document.content).get("manifests", ())
        if child.get("annotations", {}).get("vnd.docker.reference.type") == _ATTESTATION
    }


def reachable(storage: Storage, start: Iterable[str], *, companions_too: bool) -> set[str]:
    """Return what can be reached from some digests: children, and what speaks of any of it."""
    speaking: Mapping[str, set[str]] = companions(storage) if companions_too else {}
    found: set[str] = set()
    ahead = [digest for digest in start if digest in storage.live]
    while ahead:
        digest = ahead.pop()
        if digest not in found and digest in storage.live:
            found.add(digest)
            listed = body(storage.live[digest].document.content).get("manifests", ())
            ahead += [child["digest"] for child in listed]
            ahead += speaking.get(digest, ())
    return found
