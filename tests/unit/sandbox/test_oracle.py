"""The oracle sees what is broken, and does not see what is not."""

import pytest

from reconciler.sandbox.artifacts import (
    build_cache_index,
    cosign_signature,
    image,
    plain_index,
    referrers_tag,
)
from tests.support.oracle import bereaved, broken_tags, companions, holes, whole
from tests.unit.sandbox.conftest import NOW, small_package


def test_an_index_without_one_of_its_children_is_broken_and_so_is_what_lists_it() -> None:
    package = small_package()
    child, inner = image("child"), plain_index([image("child")])
    package.push(child, at=NOW)
    package.push(inner, at=NOW)
    package.push(plain_index([inner]), "outer", at=NOW)
    version = package.find(child.digest)
    assert version is not None
    assert whole(package, "outer")

    package.delete(version, NOW)

    assert holes(package, "outer") == [child.digest]
    assert broken_tags(package) == ["outer"]


@pytest.mark.parametrize("lost", ["body", "config"])
def test_an_image_without_its_bytes_or_its_configuration_is_broken(lost: str) -> None:
    package = small_package()
    if lost == "body":
        package.tags["old"].body = None
    else:
        package.blobs.clear()

    assert not whole(package, "old")


def test_a_build_cache_that_lists_layers_is_whole() -> None:
    package = small_package()
    package.push(build_cache_index("run"), "buildcache", at=NOW)

    assert whole(package, "buildcache")


def test_an_image_that_lost_its_signature_is_found() -> None:
    package = small_package()
    signed = image("signed")
    package.push(signed, "signed", at=NOW)
    signature = cosign_signature(signed, "1")
    version = package.push(signature, f"{referrers_tag(signed.digest)}.sig", at=NOW)
    before = companions(package)

    package.delete(version, NOW)

    assert bereaved(before, package) == {signed.digest: {signature.digest}}


def test_a_signature_that_went_with_its_image_is_not_missed() -> None:
    package = small_package()
    signed = image("signed")
    held = package.push(signed, "signed", at=NOW)
    signature = cosign_signature(signed, "1")
    version = package.push(signature, f"{referrers_tag(signed.digest)}.sig", at=NOW)
    before = companions(package)

    package.delete(held, NOW)
    package.delete(version, NOW)

    assert bereaved(before, package) == {}
