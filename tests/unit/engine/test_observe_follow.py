"""Where a registry lists tags only, the rest is found by links, and proven by the registry."""

import pytest

from reconciler.engine.observe import observe
from reconciler.errors import EvidenceError
from reconciler.model.inventory import Inventory, Observation, Observations
from reconciler.model.names import Digest
from tests.support.documents import (
    Document,
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)
from tests.support.scenes import NOON, WEB, Scene

AMD64 = image("a", platform="linux/amd64")
ARM64 = image("a", platform="linux/arm64")
BUILD = index(AMD64, ARM64, attestation(AMD64))


def _remembering(*documents: Document, tag: str = "v0") -> Observations:
    noted = Observation(first_seen=NOON, tags=(tag,))  # type: ignore[arg-type]
    return Observations(digests={Digest(document.digest): noted for document in documents})


def _found(inventory: Inventory) -> set[str]:
    return set(map(str, inventory.versions))


def _asked(scene: Scene) -> list[str]:
    return [digest for about in scene.registry.about("present") for digest in about]


def test_children_are_found_through_their_index_and_not_read(plain: Scene) -> None:
    plain.push(BUILD, "v1")

    inventory = observe(plain.registry, WEB)

    assert _found(inventory) == {BUILD.digest, *(child.digest for child in BUILD.children)}
    assert plain.registry.fetched == [BUILD.digest]


def test_an_index_in_an_index_is_read_and_followed(plain: Scene) -> None:
    plain.push(index(BUILD), "v1")

    inventory = observe(plain.registry, WEB)

    assert AMD64.digest in _found(inventory)
    assert plain.registry.fetched == [index(BUILD).digest, BUILD.digest]


def test_presence_is_asked_once_for_each_digest(plain: Scene) -> None:
    plain.push(BUILD, "v1")
    plain.push(index(AMD64, image("b")), "v2")
    plain.push(ARM64, "v1-arm64")

    observe(plain.registry, WEB, observations=_remembering(AMD64, BUILD))

    asked = _asked(plain)
    assert len(asked) == len(set(asked))
    assert set(asked) == {
        AMD64.digest,
        image("b").digest,
        attestation(AMD64).digest,
    }


def test_a_child_that_is_gone_is_not_in_the_inventory_whatever_the_cache_holds(
    plain: Scene,
) -> None:
    plain.push(index(BUILD), "v1")
    observe(plain.registry, WEB)
    plain.registry.storage.remove(BUILD.digest)

    inventory = observe(plain.registry, WEB)

    assert _found(inventory) == {index(BUILD).digest}


def test_a_remembered_digest_that_lost_its_tag_is_an_untagged_version(plain: Scene) -> None:
    plain.push(BUILD, "v1")
    plain.push(image("newer"), "v1")

    inventory = observe(plain.registry, WEB, observations=_remembering(BUILD, tag="v1"))

    version = inventory.versions[Digest(BUILD.digest)]
    assert version.tags == ()
    assert version.manifest is not None
    assert AMD64.digest in _found(inventory)


def test_a_remembered_digest_that_is_gone_is_dropped(plain: Scene) -> None:
    plain.push(image("v1"), "v1")

    inventory = observe(plain.registry, WEB, observations=_remembering(BUILD))

    assert _found(inventory) == {image("v1").digest}


def test_referrers_are_asked_for_and_followed_to_the_end(asking: Scene) -> None:
    bundle = artifact("bundle", subject=BUILD)
    countersigned = artifact("countersigned", subject=bundle)
    asking.push(BUILD, "v1")
    asking.push(bundle)
    asking.push(countersigned)

    inventory = observe(asking.registry, WEB)

    assert {bundle.digest, countersigned.digest} <= _found(inventory)


def test_referrers_of_a_platform_image_are_found_although_it_is_not_read(asking: Scene) -> None:
    bundle = artifact("bundle", subject=AMD64)
    asking.push(BUILD, "v1")
    asking.push(bundle)

    inventory = observe(asking.registry, WEB)

    assert bundle.digest in _found(inventory)
    assert AMD64.digest not in asking.registry.fetched


def test_referrers_are_asked_for_once_for_each_digest(asking: Scene) -> None:
    asking.push(BUILD, "v1")
    asking.push(index(AMD64, image("b")), "v2")

    observe(asking.registry, WEB)

    asked = [digest for about in asking.registry.about("referrers") for digest in about]
    assert len(asked) == len(set(asked))
    assert AMD64.digest in asked


def test_without_the_endpoint_referrers_are_found_under_their_fallback_tag(plain: Scene) -> None:
    bundle = artifact("bundle", subject=BUILD)
    plain.push(BUILD, "v1")
    plain.push(index(bundle), fallback_tag(BUILD))

    inventory = observe(plain.registry, WEB)

    assert bundle.digest in _found(inventory)


def test_signatures_are_tags_and_so_are_listed(plain: Scene) -> None:
    plain.push(BUILD, "v1")
    plain.push(signature(BUILD), cosign_tag(BUILD))

    inventory = observe(plain.registry, WEB)

    assert signature(BUILD).digest in _found(inventory)


def test_layers_that_the_index_of_a_build_cache_lists_are_not_asked_for(plain: Scene) -> None:
    layer = Document("application/vnd.oci.image.layer.v1.tar+gzip", b"a layer, and no manifest")
    cache = index(layer)
    plain.registry.storage.push(layer)
    plain.push(cache, "buildcache")
    plain.registry.storage.remove(layer.digest)

    inventory = observe(plain.registry, WEB)

    assert _found(inventory) == {cache.digest}
    assert _asked(plain) == []


def test_a_version_that_is_present_without_a_manifest_is_missing_evidence(plain: Scene) -> None:
    plain.push(BUILD, "v1")
    plain.registry.on("manifests", lambda: plain.registry.storage.remove(BUILD.digest))

    with pytest.raises(EvidenceError, match=f"{BUILD.digest} .tags v1.: the registry has no such"):
        observe(plain.registry, WEB)


def test_a_listing_of_tags_has_no_push_times(plain: Scene) -> None:
    plain.push(BUILD, "v1")

    inventory = observe(plain.registry, WEB)

    assert {version.pushed for version in inventory.versions.values()} == {None}
    assert sorted(inventory.facts) == ["created", "first_seen", "tagged_since", "untagged_since"]
