"""Every version has somebody who decides on it."""

from hypothesis import given

from reconciler.core.graph import build_graph, image_tags
from reconciler.model.inventory import Inventory
from tests.property.naive import links, reach
from tests.support.strategies import inventories


@given(inventories())
def test_every_version_is_reached_from_a_root(held: Inventory) -> None:
    graph = build_graph(held)

    assert reach(links(held), graph.roots) == held.versions.keys()


@given(inventories())
def test_an_untagged_root_is_needed_to_reach_something(held: Inventory) -> None:
    pairs = links(held)

    roots = build_graph(held).roots

    for root in roots:
        others = [other for other in roots if other != root]
        tagged = image_tags(held, held.versions[root])
        assert tagged or root not in reach(pairs, others)


@given(inventories())
def test_links_are_those_that_documents_and_tags_tell(held: Inventory) -> None:
    graph = build_graph(held)

    told = {(keeper, kept) for keeper, many in graph.keeps.items() for kept in many}
    turned = {(keeper, kept) for kept, many in graph.kept_by.items() for keeper in many}
    assert told == turned == set(links(held))
