"""Deletions go image by image, and whatever names a digest goes before what it names."""

from collections.abc import Sequence

from reconciler.core.graph import build_graph
from reconciler.core.order import deletion_order
from reconciler.model.inventory import Version
from tests.support.inventories import (
    attestation,
    digest,
    fallback,
    image,
    index,
    inventory,
    names,
    referrer,
    signature,
    unread,
)


def order(*versions: Version, stay: Sequence[str] = ()) -> list[list[str]]:
    held = inventory(*versions)
    doomed = held.versions.keys() - {digest(name) for name in stay}
    return [names(part) for part in deletion_order(held, build_graph(held), doomed)]


def test_nothing_doomed_is_no_component() -> None:
    assert order() == []
    assert order(image("a"), stay=["a"]) == []


def test_images_go_one_by_one_the_oldest_first() -> None:
    assert order(image("a", age="1d"), image("b", age="3d"), image("c", age="2d")) == [
        ["b"],
        ["c"],
        ["a"],
    ]


def test_images_of_one_age_go_in_digest_order_and_unknown_ages_first() -> None:
    assert order(image("b"), image("a"), image("c", age=None)) == [["c"], ["a"], ["b"]]


def test_an_index_goes_before_its_children_in_one_component() -> None:
    amd, arm = image("amd", age="9d"), image("arm", age="9d")

    assert order(amd, arm, index("web", lists=[amd, arm], age="8d")) == [["web", "amd", "arm"]]


def test_nested_indexes_go_from_the_outside_in() -> None:
    amd = image("a-amd")
    inner = index("b-inner", lists=[amd])
    outer = index("c-outer", lists=[inner])

    assert order(amd, inner, outer) == [["c-outer", "b-inner", "a-amd"]]


def test_signatures_go_first_and_referrers_before_their_subject() -> None:
    web = image("a-web")
    bundle = referrer("bundle", of=web)
    signed = signature("signed", of=web)

    assert order(web, bundle, signed) == [["signed", "bundle", "a-web"]]


def test_a_signature_that_nobody_read_goes_first_as_well() -> None:
    web = image("a-web")

    assert order(web, unread(signature("signed", of=web))) == [["signed", "a-web"]]


def test_the_referrers_index_goes_before_the_referrers_it_lists() -> None:
    web = image("a-web")
    bundle = referrer("b-bundle", of=web)
    listing = fallback("c-list", of=web, lists=[bundle])

    assert order(web, bundle, listing) == [["c-list", "b-bundle", "a-web"]]


def test_an_attestation_goes_after_its_index_and_before_its_subject() -> None:
    amd = image("a-amd")
    proof = attestation("proof", of=amd)

    assert order(amd, proof, index("web", lists=[amd, proof])) == [["web", "proof", "a-amd"]]


def test_a_child_shared_by_doomed_indexes_goes_with_the_newest() -> None:
    amd = image("amd", age="9d")
    old = index("old", lists=[amd], age="8d")
    new = index("new", lists=[amd], age="2d")

    assert order(amd, old, new) == [["old"], ["new", "amd"]]


def test_a_child_that_stays_is_left_out() -> None:
    amd, arm = image("amd"), image("arm", "v1")

    assert order(amd, arm, index("web", lists=[amd, arm]), stay=["arm"]) == [["web", "amd"]]


def test_a_newer_image_that_names_an_older_one_goes_before_it() -> None:
    amd = image("amd", "v1-amd64", age="90d")

    assert order(amd, index("web", "v1", lists=[amd], age="2d")) == [["web", "amd"]]


def test_images_whose_parts_name_one_another_in_a_circle_are_one_component() -> None:
    shared, plain = image("shared"), image("plain")
    proof = referrer("proof", of=plain)
    new = index("new", lists=[shared, proof], age="2d")
    old = index("old", lists=[shared, plain], age="9d")

    assert order(shared, plain, proof, new, old) == [["old", "new", "proof", "plain", "shared"]]


def test_an_island_goes_from_the_index_that_lists_its_subject() -> None:
    web = image("a-web")

    assert order(web, index("island", lists=[web], subject=web)) == [["island", "a-web"]]


def test_a_newer_referrer_with_a_name_of_its_own_goes_before_its_older_subject() -> None:
    base = image("base", "v1", age="9d")
    chart = referrer("chart", "v1-chart", of=base, age="2d")

    assert order(base, chart) == [["chart", "base"]]


def test_a_long_chain_of_referrers_is_ordered_without_recursion() -> None:
    chain = [image("n0")]
    for number in range(1, 3_000):
        chain.append(referrer(f"n{number}", of=chain[-1]))

    (component,) = order(*chain)

    assert component[0] == "n2999"
    assert component[-1] == "n0"
