"""What is true of a package, read from its raw bytes and nothing of Reconciler's own graph."""

import json
from collections.abc import Iterator
from typing import Any

from reconciler.sandbox.package import StoredPackage

_MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
_COMPANION_TAGS = ("", ".sig", ".att", ".sbom")


def whole(package: StoredPackage, reference: str) -> bool:
    """Whether a tag or digest can be pulled: every document and configuration below it exists."""
    return not holes(package, reference)


def holes(package: StoredPackage, reference: str) -> list[str]:
    """Return what is missing below a tag or digest."""
    return list(_holes(package, reference))


def broken_tags(package: StoredPackage) -> list[str]:
    """Return the tags that cannot be pulled."""
    return [tag for tag in package.tags if not whole(package, tag)]


def companions(package: StoredPackage) -> dict[str, set[str]]:
    """Return the signatures and attestations of each live digest that has some."""
    found: dict[str, set[str]] = {}
    for version in package.live:
        subject = _document(version.body).get("subject") or {}
        if package.find(subject.get("digest", "")):
            found.setdefault(subject["digest"], set()).add(version.digest)
        for suffix in _COMPANION_TAGS:
            holder = package.find(version.digest.replace(":", "-") + suffix)
            if holder:
                found.setdefault(version.digest, set()).add(holder.digest)
    return found


def bereaved(before: dict[str, set[str]], package: StoredPackage) -> dict[str, set[str]]:
    """Return the live digests that have lost companions since `before`, with what they lost."""
    now = companions(package)
    lost = {digest: had - now.get(digest, set()) for digest, had in before.items()}
    return {digest: gone for digest, gone in lost.items() if gone and package.find(digest)}


def _holes(package: StoredPackage, reference: str) -> Iterator[str]:
    version = package.find(reference)
    if version is None or version.body is None:
        yield reference
        return
    document = _document(version.body)
    config = (document.get("config") or {}).get("digest")
    if config and config not in package.blobs:
        yield config
    for child in document.get("manifests", ()):
        # Indexes of build caches list layers, which are blobs and no versions.
        if child.get("mediaType") in _MANIFESTS:
            yield from _holes(package, child["digest"])


def _document(body: bytes | None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body or b"{}")
    return document
