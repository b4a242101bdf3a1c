"""Repositories in which deleting untagged versions, or all but the newest, has broken images.

Each is a shape that occurs in public registries, with the policy people had in mind.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest

from reconciler.model.inventory import Version
from tests.support.inventories import (
    attestation,
    cache_index,
    causes,
    cosign_tag,
    deleted,
    doomed,
    fallback,
    image,
    index,
    names,
    planned,
    referrer,
    signature,
)

UNTAGGED = "rules: [{name: dangling, match: {untagged: true}, keep: {within: 7d}}]"
NEWEST_3 = 'rules: [{name: newest, match: {tags: ["*"]}, keep: {last: 3}}]'


def build(name: str, *tags: str) -> list[Version]:
    """Build an image of two platforms, each with its provenance: five versions."""
    amd, arm = image(f"{name}-amd"), image(f"{name}-arm")
    proofs = [attestation(f"{name}-p1", of=amd), attestation(f"{name}-p2", of=arm)]
    children = [amd, arm, *proofs]
    return [*children, index(name, *tags, lists=children)]


def package_of_1002() -> Iterator[Version]:
    """Yield 148 tagged and 854 untagged versions, of which 592 belong to the tagged ones."""
    for number in range(148):
        yield from build(f"t{number}", f"v{number}")
    for number in range(52):
        yield from build(f"u{number}")
    yield from (image("lone1"), image("lone2"))


def test_deleting_what_is_untagged_for_a_week_breaks_none_of_148_images() -> None:
    versions = list(package_of_1002())
    tagged = [version for version in versions if version.tags]
    assert (len(versions), len(tagged)) == (1002, 148)

    plan = planned(UNTAGGED, *versions)

    gone = {change.digest for change in plan.changes}
    assert len(gone) == 262
    for root in tagged:
        assert root.manifest
        assert not gone & {root.digest, *(child.digest for child in root.manifest.children)}


def test_platforms_of_an_index_in_an_index_are_no_dangling_images() -> None:
    amd = image("amd")
    inner = index("inner", lists=[amd])

    assert doomed(UNTAGGED, amd, inner, index("outer", "latest", lists=[inner])) == []


def test_an_untagged_referrer_and_the_children_of_one_that_is_an_index_are_needed() -> None:
    web, part = image("web", "v1"), image("part")
    bundle = referrer("bundle", of=web)
    parts = index("parts", lists=[part], subject=web)

    assert doomed(UNTAGGED, web, part, bundle, parts) == []


def test_platform_images_with_tags_of_their_own_outlive_the_index_that_is_deleted() -> None:
    document = "rules: [{name: v1, match: {tags: [v1]}, keep: {none: true}}]"
    amd, arm = image("amd", "v1-amd64"), image("arm", "v1-arm64")

    assert doomed(document, amd, arm, index("web", "v1", lists=[amd, arm])) == ["web"]


def test_platform_images_with_tags_of_their_own_are_needed_by_the_index_that_stays() -> None:
    document = 'rules: [{name: staging, match: {tags: ["*-*64"]}, keep: {within: 7d}}]'
    amd, arm = image("amd", "v1-amd64"), image("arm", "v1-arm64")

    assert causes(document, amd, arm, index("web", "v1", lists=[amd, arm])) == {
        "amd": "needed",
        "arm": "needed",
        "web": "unmatched-tag",
    }


@pytest.mark.parametrize("order", list(permutations(["one", "two", "three"])))
def test_a_child_of_three_indexes_goes_once_and_after_the_last_of_them(
    order: Sequence[str],
) -> None:
    shared = image("shared", age="90d")
    indexes = [index(name, lists=[shared], age=f"{30 + at}d") for at, name in enumerate(order)]

    gone = deleted(planned(UNTAGGED, shared, *indexes))

    assert gone == [*reversed(order), "shared"]
    assert doomed(UNTAGGED, shared, *indexes, index("kept", "v1", lists=[shared])) == sorted(order)


def test_two_orphaned_signatures_newer_than_the_images_take_no_place_of_theirs() -> None:
    images = [image(f"v{at}", f"v{at}", age=f"{10 + at}d") for at in range(5)]
    orphans = [signature("s1", of="gone1", age="1d"), signature("s2", of="gone2", age="2d")]

    assert doomed(NEWEST_3, *images, *orphans) == ["v3", "v4"]


def test_an_orphaned_signature_with_a_name_that_somebody_gave_it_stays() -> None:
    document = 'rules: [{name: orphans, match: {tags: ["sha256-*.sig"]}, keep: {within: 7d}}]'

    assert causes(document, signature("a", of="gone"), signature("b", "keepme", of="lost")) == {
        "a": "expired",
        "b": "unmatched-tag",
    }


@pytest.mark.parametrize("document", [UNTAGGED, NEWEST_3])
def test_signatures_of_images_in_another_repository_stay(document: str) -> None:
    signatures = [signature(f"s{at}", of=f"elsewhere{at}") for at in range(3)]

    assert doomed(document, *signatures) == []


def test_a_build_cache_and_an_empty_index_are_not_broken_images() -> None:
    versions = (cache_index("cache", "buildcache"), index("empty", "v1"))

    assert doomed(UNTAGGED, *versions) == []
    assert planned(UNTAGGED, *versions).missing == ()


def test_an_image_that_lacks_a_child_is_reported_and_keeps_what_it_still_has() -> None:
    amd = image("amd")

    plan = planned(UNTAGGED, amd, index("web", "v1", lists=[amd, "arm"]))

    assert not plan.changes
    assert len(plan.missing) == 1


def test_what_signs_a_platform_image_goes_with_the_index_that_listed_the_image() -> None:
    amd = image("amd")
    web = index("web", lists=[amd])
    bundle, signed = referrer("bundle", of=amd), signature("signed", of=amd)

    gone = deleted(planned(UNTAGGED, amd, web, bundle, signed))

    assert gone == ["signed", "bundle", "web", "amd"]


def test_a_referrer_that_is_reached_by_tag_and_by_subject_goes_once() -> None:
    web = image("web")
    bundle = referrer("bundle", cosign_tag(web, "att"), of=web)
    listing = fallback("list", of=web, lists=[bundle])

    gone = deleted(planned(UNTAGGED, web, bundle, listing))

    assert sorted(gone) == ["bundle", "list", "web"]
    assert gone.index("list") < gone.index("bundle") < gone.index("web")


def test_a_build_that_changed_nothing_leaves_one_index_over_the_same_images() -> None:
    amd = image("amd", age="400d")
    proofs = [attestation(f"p{at}", of=amd, age=f"{at}d") for at in (40, 30, 20, 10)]
    indexes = [
        index(f"i{at}", lists=[amd, p], age=f"{at}d")
        for at, p in zip((40, 30, 20), proofs, strict=False)
    ]
    current = index("current", "latest", lists=[amd, proofs[-1]], age="10d")

    gone = doomed(UNTAGGED, amd, *proofs, *indexes, current)

    assert gone == ["i20", "i30", "i40", "p20", "p30", "p40"]


def test_of_tags_with_one_push_time_none_goes_in_any_plan() -> None:
    versions = [image(name, f"v{name}", age="9d") for name in "abcde"]

    gone = [doomed(NEWEST_3, *order) for order in permutations(versions)]

    assert all(one == [] for one in gone)


SHAPES = {
    "one image": lambda: [image("a", "img")],
    "an index": lambda: _indexed(("idx",)),
    "two indexes over one image": lambda: _indexed(("idx", "idy")),
}
DRESSES = ("plain", "proven", "signed", "proven and signed")


def _indexed(tags: Sequence[str]) -> list[Version]:
    amd, arm = image("amd", "img"), image("arm")
    return [amd, arm, *(index(tag, tag, lists=[amd, arm]) for tag in tags)]


def _dressed(versions: Sequence[Version], dress: str) -> list[Version]:
    """Make a bundle, a signature, or both for every version."""
    more: list[Version] = []
    for at, version in enumerate(versions):
        more += [referrer(f"proof{at}", of=version)] if "proven" in dress else []
        more += [signature(f"sign{at}", of=version)] if "signed" in dress else []
    return more


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tags", ["[img]", "[idx]", "[img, idx]", '["*"]'])
def test_whatever_goes_every_image_that_stays_is_whole(shape: str, dress: str, tags: str) -> None:
    document = f"rules: [{{name: r, match: {{tags: {tags}}}, keep: {{none: true}}}}]"
    versions = [*SHAPES[shape](), image("dummy", "dummy", age="1h")]

    more = _dressed(versions, dress)

    gone = set(doomed(document, *versions, *more))

    dressed = set(names(version.digest for version in more))
    for at, version in enumerate(versions):
        (name,) = names([version.digest])
        children = version.manifest.children if version.manifest else ()
        assert name in gone or not gone & set(names(child.digest for child in children))
        dressing = {f"proof{at}", f"sign{at}"} & dressed
        assert dressing & gone == (dressing if name in gone else set())
