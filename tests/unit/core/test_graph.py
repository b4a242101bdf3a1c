"""What keeps what, for every shape that builds leave in a registry."""

from dataclasses import replace

import pytest

from reconciler.core.graph import build_graph, image_tags
from reconciler.model.inventory import Version
from reconciler.model.manifest import Descriptor
from reconciler.model.names import Tag
from tests.support.inventories import (
    attestation,
    cache_index,
    cosign_tag,
    digest,
    fallback,
    fallback_tag,
    image,
    index,
    inventory,
    names,
    referrer,
    signature,
    unread,
)


def roots(*versions: Version) -> list[str]:
    return names(build_graph(inventory(*versions)).roots)


def kept_by(name: str, *versions: Version) -> list[str]:
    """Return what stays while the version of this name stays, sorted."""
    return sorted(names(build_graph(inventory(*versions)).keeps.get(digest(name), ())))


def tags_of(name: str, *versions: Version) -> list[str]:
    held = inventory(*versions)
    return list(image_tags(held, held.versions[digest(name)]))


def test_an_empty_repository_has_no_roots() -> None:
    assert roots() == []


def test_a_lone_image_is_a_root_tagged_or_not() -> None:
    assert roots(image("a", "v1"), image("b")) == ["a", "b"]


def test_an_index_keeps_its_children_and_is_the_only_root() -> None:
    amd, arm = image("amd"), image("arm")
    web = index("web", "v1", lists=[amd, arm])

    assert roots(amd, arm, web) == ["web"]
    assert kept_by("web", amd, arm, web) == ["amd", "arm"]


def test_a_child_that_nobody_read_is_still_a_child() -> None:
    amd = image("amd")
    web = index("web", "v1", lists=[amd])

    assert roots(unread(amd), web) == ["web"]


def test_a_nested_index_is_kept_by_the_outer_one_and_keeps_its_own() -> None:
    amd = image("amd")
    inner = index("inner", lists=[amd])
    outer = index("outer", "v1", lists=[inner])

    assert roots(amd, inner, outer) == ["outer"]
    assert kept_by("outer", amd, inner, outer) == ["inner"]
    assert kept_by("inner", amd, inner, outer) == ["amd"]


def test_a_shared_child_is_kept_by_every_index_that_lists_it() -> None:
    amd = image("amd")
    old, new = index("old", "v1", lists=[amd]), index("new", "v2", lists=[amd])

    graph = build_graph(inventory(amd, old, new))

    assert names(graph.kept_by[digest("amd")]) == ["new", "old"]
    assert names(graph.roots) == ["new", "old"]


def test_a_tagged_child_is_a_root_and_kept_by_its_index_as_well() -> None:
    amd = image("amd", "v1-amd64")
    web = index("web", "v1", lists=[amd])

    assert roots(amd, web) == ["amd", "web"]
    assert kept_by("web", amd, web) == ["amd"]


def test_a_child_that_is_listed_twice_is_kept_once() -> None:
    amd = image("amd")
    web = index("web", "v1", lists=[amd, amd, "gone", "gone"])

    graph = build_graph(inventory(amd, web))

    assert kept_by("web", amd, web) == ["amd"]
    assert names(graph.missing[digest("web")]) == ["gone"]


def test_an_attestation_of_the_older_form_is_a_child_like_any_other() -> None:
    amd = image("amd")
    proof = attestation("proof", of=amd, referrer=False)
    web = index("web", "v1", lists=[amd, proof])

    assert roots(amd, proof, web) == ["web"]
    assert kept_by("amd", amd, proof, web) == []


def test_an_attestation_that_is_child_and_referrer_belongs_to_its_index_alone() -> None:
    amd = image("amd")
    proof = attestation("proof", of=amd)
    web = index("web", "v1", lists=[amd, proof])

    assert kept_by("web", amd, proof, web) == ["amd", "proof"]
    assert kept_by("amd", amd, proof, web) == []


def test_a_rebuilt_index_over_the_same_image_does_not_keep_the_attestation_of_the_former() -> None:
    amd = image("amd")
    first, second = attestation("first", of=amd), attestation("second", of=amd)
    old, new = index("old", lists=[amd, first]), index("new", "v1", lists=[amd, second])

    assert kept_by("new", amd, first, second, old, new) == ["amd", "second"]
    assert roots(amd, first, second, old, new) == ["new", "old"]


def test_an_attestation_that_no_index_lists_follows_its_subject() -> None:
    amd = image("amd", "v1")
    proof = attestation("proof", of=amd)

    assert kept_by("amd", amd, proof) == ["proof"]


def test_a_referrer_follows_its_subject() -> None:
    web = image("web", "v1")
    bundle = referrer("bundle", of=web)

    assert roots(web, bundle) == ["web"]
    assert kept_by("web", web, bundle) == ["bundle"]


def test_a_referrer_of_a_child_follows_the_child() -> None:
    amd = image("amd")
    web = index("web", "v1", lists=[amd])
    bundle = referrer("bundle", of=amd)

    assert roots(amd, web, bundle) == ["web"]
    assert kept_by("amd", amd, web, bundle) == ["bundle"]


def test_a_referrer_of_a_referrer_follows_it() -> None:
    web = image("web", "v1")
    sbom = referrer("sbom", of=web)
    signed = referrer("signed", of=sbom)

    assert roots(web, sbom, signed) == ["web"]
    assert kept_by("sbom", web, sbom, signed) == ["signed"]


def test_an_index_that_is_a_referrer_follows_its_subject_and_keeps_its_children() -> None:
    web, part = image("web", "v1"), image("part")
    parts = index("parts", lists=[part], subject=web)

    assert roots(web, part, parts) == ["web"]
    assert kept_by("web", web, part, parts) == ["parts"]
    assert kept_by("parts", web, part, parts) == ["part"]


def test_a_referrer_whose_subject_is_gone_is_a_root() -> None:
    assert roots(referrer("bundle", of="gone")) == ["bundle"]


def test_a_tagged_referrer_goes_with_its_subject_and_is_no_image_of_its_own() -> None:
    web = image("web", "v1")
    chart = referrer("chart", "chart-1", of=web)

    assert roots(web, chart) == ["web"]
    assert kept_by("web", web, chart) == ["chart"]


def test_a_tagged_referrer_without_its_subject_is_an_image_like_others() -> None:
    assert tags_of("chart", referrer("chart", "chart-1", of="gone")) == ["chart-1"]


def test_an_index_that_lists_its_own_subject_is_judged_with_the_tag_it_has() -> None:
    web = image("web")
    island = index("island", "v1", lists=[web], subject=web)

    assert roots(web, island) == ["island"]
    assert tags_of("island", web, island) == ["v1"]


def test_an_island_is_judged_by_what_has_a_tag_of_its_own() -> None:
    leaf = image("leaf")
    inner = index("a-inner", lists=[leaf])
    outer = index("outer", "v1", lists=[inner], subject=leaf)

    assert roots(leaf, inner, outer) == ["outer"]


@pytest.mark.parametrize("spelling", ["{}.src", "{}-old", "signed-by-us.{}", "v1_{}.sig.2"])
def test_a_tag_that_spells_a_version_binds_to_it_whatever_stands_around(spelling: str) -> None:
    web = image("web", "v1")
    source = image("source", spelling.format(fallback_tag(web)))

    assert roots(web, source) == ["web"]
    assert kept_by("web", web, source) == ["source"]
    assert tags_of("source", source) == [spelling.format(fallback_tag(web))]


def test_a_label_gives_nothing_to_an_index_that_lists_it() -> None:
    web = image("web", "v1")
    bundle = referrer("bundle", of=web)
    assert bundle.manifest
    label = Descriptor(bundle.digest, platform="unknown/unknown", attestation=True)
    liar = index("liar")
    assert liar.manifest
    liar = replace(liar, manifest=replace(liar.manifest, children=(label,)))

    assert kept_by("web", web, bundle, liar) == ["bundle"]


def test_an_attestation_listed_without_its_subject_stays_with_its_subject() -> None:
    web = image("web", "v1")
    proof = attestation("proof", of=web)
    other = index("other", lists=[proof])

    assert kept_by("web", web, proof, other) == ["proof"]


def test_a_bundle_listed_beside_its_subject_stays_with_its_subject() -> None:
    web = image("web", "v1")
    bundle = referrer("bundle", of=web)
    both = index("both", lists=[web, bundle])

    assert kept_by("web", web, bundle, both) == ["bundle"]


def test_signature_tags_of_every_kind_follow_what_they_speak_of() -> None:
    web = image("web", "v1")
    signed = signature("sig", of=web)
    proven = signature("att", of=web, kind="att")
    listed = signature("sbom", of=web, kind="sbom")

    assert roots(web, signed, proven, listed) == ["web"]
    assert kept_by("web", web, signed, proven, listed) == ["att", "sbom", "sig"]


def test_a_signature_that_nobody_read_is_known_by_its_tag() -> None:
    web = image("web", "v1")

    assert roots(web, unread(signature("sig", of=web))) == ["web"]


def test_a_signature_of_a_child_follows_the_child() -> None:
    amd = image("amd")
    web = index("web", "v1", lists=[amd])
    signed = signature("sig", of=amd)

    assert roots(amd, web, signed) == ["web"]
    assert kept_by("amd", amd, web, signed) == ["sig"]


def test_the_referrers_index_under_a_fallback_tag_follows_its_subject() -> None:
    web = image("web", "v1")
    bundle = referrer("bundle", of=web)
    listing = fallback("list", of=web, lists=[bundle])

    assert roots(web, bundle, listing) == ["web"]
    assert kept_by("web", web, bundle, listing) == ["bundle", "list"]


def test_a_replaced_referrers_index_is_a_root_of_its_own() -> None:
    web = image("web", "v1")
    bundle = referrer("bundle", of=web)
    former = index("former", lists=[bundle])

    assert roots(web, bundle, former) == ["former", "web"]


def test_a_signature_of_an_image_elsewhere_is_a_root_with_its_tag() -> None:
    foreign = signature("sig", of="elsewhere")

    assert roots(foreign) == ["sig"]
    assert tags_of("sig", foreign) == [cosign_tag("elsewhere")]


def test_a_signature_that_also_has_a_name_is_a_root_with_all_its_tags() -> None:
    web = image("web", "v1")
    signed = signature("sig", "keepme", of=web)

    assert roots(web, signed) == ["sig", "web"]
    assert tags_of("sig", web, signed) == ["keepme", cosign_tag(web)]
    assert kept_by("web", web, signed) == ["sig"]


def test_a_signature_that_speaks_of_two_images_names_none_while_both_are_here() -> None:
    one, two = image("one", "v1"), image("two", "v2")
    both = signature("sig", cosign_tag(two), of=one)

    assert tags_of("sig", one, two, both) == []
    assert tags_of("sig", one, both) == [cosign_tag(one), cosign_tag(two)]


def test_an_image_tagged_with_its_own_digest_is_tagged() -> None:
    web = image("web", fallback_tag("web"))

    assert tags_of("web", web) == [fallback_tag("web")]
    assert kept_by("web", web) == []


def test_a_tag_that_only_looks_like_a_signature_is_a_name() -> None:
    assert tags_of("a", image("a", "sha256-abc.sig")) == ["sha256-abc.sig"]


def test_a_missing_manifest_is_told_and_a_missing_layer_is_not() -> None:
    web = index("web", "v1", lists=["gone"])
    cache = cache_index("cache", "buildcache")

    graph = build_graph(inventory(web, cache))

    assert {name: names(lost) for name, lost in graph.missing.items()} == {digest("web"): ["gone"]}


def test_an_index_that_lists_its_own_subject_is_an_island_judged_by_the_index() -> None:
    web = image("a-web")
    island = index("island", lists=[web], subject=web)

    assert roots(web, island) == ["island"]
    assert kept_by("a-web", web, island) == ["island"]


def test_an_island_that_a_tagged_index_lists_is_no_island() -> None:
    web = image("web")
    island = index("island", lists=[web], subject=web)
    outer = index("outer", "v1", lists=[web])

    assert roots(web, island, outer) == ["outer"]


def test_an_island_that_leads_to_another_is_the_only_one_judged() -> None:
    first, second = image("a"), image("b")
    inner = index("inner", lists=[first], subject=first)
    outer = index("outer", lists=[second, inner], subject=second)

    assert roots(first, second, inner, outer) == ["outer"]


def test_signatures_that_speak_of_one_another_are_judged_by_one() -> None:
    one = replace(image("one"), tags=(Tag(cosign_tag("two")),))
    two = replace(image("two"), tags=(Tag(cosign_tag("one")),))

    assert roots(one, two) == ["one"]
    assert tags_of("one", one, two) == []
