"""An inventory holds each version once, in one order, whatever order they came in."""

import pytest

from reconciler.model.inventory import Fact, Inventory
from tests.support.inventories import WEB, ago, digest, image, names, unread


def test_versions_are_held_in_digest_order_whatever_order_they_came_in() -> None:
    a, b, c = image("a"), image("b"), image("c")

    first, second = Inventory.of(WEB, [c, a, b]), Inventory.of(WEB, [b, c, a])

    assert first == second
    assert names(first.versions) == ["a", "b", "c"]


def test_a_version_that_is_listed_twice_is_held_once() -> None:
    assert names(Inventory.of(WEB, [image("a"), image("a")]).versions) == ["a"]


def test_each_tag_leads_to_its_version() -> None:
    held = Inventory.of(WEB, [image("a", "v1", "latest"), image("b")])

    assert held.tagged == {"latest": digest("a"), "v1": digest("a")}


@pytest.mark.parametrize("fact", list(Fact))
def test_a_version_tells_the_time_of_each_fact_or_that_it_is_unknown(fact: Fact) -> None:
    known = (
        image("a", age="3d") if fact is Fact.PUSHED else image("a", age=None, **{fact.value: "3d"})
    )

    assert image("a", age=None).time(fact) is None
    assert known.time(fact) == ago("3d")
    assert [known.time(other) for other in Fact if other is not fact] == [None] * 4


def test_a_version_that_nobody_read_is_of_no_kind() -> None:
    assert image("a").kind == "application/vnd.oci.image.config.v1+json"
    assert unread(image("a")).kind == ""
