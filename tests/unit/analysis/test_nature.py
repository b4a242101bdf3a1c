"""What a version is called, by its tags, its document and the index that lists it."""

from dataclasses import replace

import pytest

from reconciler.analysis.nature import nature_of
from reconciler.model.inventory import Version
from reconciler.model.manifest import ATTESTATION_TYPE, Descriptor, DocumentKind
from tests.support.inventories import (
    attestation,
    cache_index,
    digest,
    fallback,
    image,
    index,
    referrer,
    signature,
    unread,
)


def opaque(name: str) -> Version:
    plain = image(name)
    assert plain.manifest
    return replace(plain, manifest=replace(plain.manifest, shape=DocumentKind.OPAQUE))


@pytest.mark.parametrize(
    ("version", "nature"),
    [
        (image("a", "1.0.0"), "image"),
        (image("a", kind="application/vnd.docker.container.image.v1+json"), "image"),
        (index("a", "1.0.0", lists=["b"]), "index"),
        (index("a", "1.0.0"), "index"),
        (cache_index("a", "main"), "build cache"),
        (image("a", "main", kind="application/vnd.buildkit.cacheconfig.v0"), "build cache"),
        (signature("a", of="b"), "signature"),
        (unread(signature("a", of="b")), "signature"),
        (signature("a", of="b", kind="att"), "attestation"),
        (signature("a", of="b", kind="sbom"), "SBOM"),
        (fallback("a", of="b", lists=["c"]), "referrers index"),
        (referrer("a", of="b"), "signature"),
        (referrer("a", of="b", kind="application/spdx+json"), "SBOM"),
        (referrer("a", of="b", kind=ATTESTATION_TYPE), "attestation"),
        (image("a", "1.0.0", kind="application/vnd.cncf.helm.config.v1+json"), "artifact"),
        (opaque("a"), "document of an old kind"),
    ],
)
def test_a_version_is_called_what_people_push(version: Version, nature: str) -> None:
    assert nature_of(version) == nature


def test_what_an_index_lists_and_nobody_read_is_a_platform_image_or_what_the_index_says() -> None:
    child = unread(image("amd"))
    platform = Descriptor(child.digest, platform="linux/amd64")

    assert nature_of(child, platform) == "platform image"
    assert nature_of(child, replace(platform, attestation=True)) == "attestation"


def test_an_image_that_is_listed_is_a_platform_image_and_an_index_stays_an_index() -> None:
    listed = Descriptor(digest("amd"), platform="linux/amd64")

    assert nature_of(image("amd"), listed) == "platform image"
    assert nature_of(index("inner"), listed) == "index"
    assert nature_of(attestation("amd", of="b"), listed) == "attestation"
