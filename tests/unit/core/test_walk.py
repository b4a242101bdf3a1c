"""Walks over links: what is reached, in which order, and what goes round in circles."""

from reconciler.core.walk import closure, finish_order, reversed_edges, strongly_connected

DIAMOND = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
RING = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"]}


def test_a_closure_holds_the_start_and_all_that_follows() -> None:
    assert closure(DIAMOND, ["b"]) == {"b", "d"}
    assert closure(DIAMOND, ["a"]) == {"a", "b", "c", "d"}
    assert closure(DIAMOND, []) == set()
    assert closure(RING, ["b"]) == set("abcde")


def test_a_closure_does_not_enter_what_lies_beyond() -> None:
    assert closure(DIAMOND, ["a"], excluding={"b"}) == {"a", "c", "d"}
    assert closure(DIAMOND, ["a"], excluding={"b", "c"}) == {"a"}
    assert closure(DIAMOND, ["a"], excluding={"a"}) == set()


def test_a_walk_is_done_with_a_node_after_all_that_it_leads_to() -> None:
    assert finish_order("abcd", DIAMOND) == ["d", "b", "c", "a"]
    assert finish_order("dcba", DIAMOND) == ["d", "c", "b", "a"]


def test_a_walk_visits_each_node_once_also_in_a_circle() -> None:
    assert sorted(finish_order("abcde", RING)) == list("abcde")


def test_nodes_in_a_circle_stand_for_one_another() -> None:
    standing = strongly_connected("abcde", RING)

    assert standing["a"] == standing["b"] == standing["c"]
    assert standing["d"] == standing["e"] != standing["a"]
    assert len(set(strongly_connected("abcd", DIAMOND).values())) == 4


def test_turned_links_lead_the_other_way() -> None:
    back = reversed_edges(DIAMOND | {"e": ["b", "b"]})

    assert {node: list(sources) for node, sources in back.items()} == {
        "b": ["a", "e", "e"],
        "c": ["a"],
        "d": ["b", "c"],
    }


def test_a_chain_of_a_hundred_thousand_is_walked_without_recursion() -> None:
    chain = {number: [number + 1] for number in range(100_000)}

    assert len(closure(chain, [0])) == 100_001
    assert finish_order([0], chain)[0] == 100_000
    assert len(set(strongly_connected(range(100_001), chain).values())) == 100_001
