"""Keep always wins, whoever lists what is kept: every version is asked for, not only images."""

from datetime import timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.model.inventory import Inventory, Observations
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from reconciler.model.rules import Rule
from tests.property.naive_rules import Tagged, certain, covers
from tests.support.inventories import image, index, inventory, policy
from tests.support.strategies import documents, inventories, observations
from tests.support.time import NOON

CHART = image("chart")
LISTED = inventory(CHART, index("idx", lists=[CHART]))
"""An untagged image, and an untagged index that somebody pushed to list it."""

CHARTS: dict[str, Any] = {
    "rules": [
        {
            "name": "charts",
            "match": {"any": True, "artifact_type": "*config*"},
            "keep": {"all": True},
        },
        {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
    ]
}


def gone(one: Policy, held: Inventory, seen: Observations | None = None) -> set[Digest]:
    """Return what is deleted."""
    return set(decide(one, held, build_graph(held), now=NOON, observations=seen).to_delete)


def keeping_all(one: Policy) -> list[Rule]:
    """Return the protections and rules that keep all they match."""
    rules = [*one.rules, *(part.rule for part in one.protect if part.rule)]
    return [rule for rule in rules if rule.keep.all and not rule.match.rest]


@given(st.data())
def test_nothing_is_deleted_that_a_protection_pin_hold_or_rule_that_keeps_all_matches(
    data: st.DataObject,
) -> None:
    one, held = policy(data.draw(documents())), data.draw(inventories())
    seen = data.draw(observations(held))

    deleted = gone(one, held, seen)

    pinned = {digest for part in one.protect for digest in part.digests or ()}
    assert not deleted & (pinned | {d for d, noted in seen.digests.items() if noted.held})
    for digest in deleted:
        version = held.versions[digest]
        assert not any(
            covers(rule.match, Tagged(version, list(version.tags))) for rule in keeping_all(one)
        )


@given(documents(), inventories())
@example(CHARTS | {"guards": {"min_age": "0h"}}, LISTED)
def test_no_index_makes_go_what_a_rule_keeps_for_its_age(
    document: dict[str, Any], held: Inventory
) -> None:
    one = policy(document)

    for digest in gone(one, held):
        version = held.versions[digest]
        image = Tagged(version, list(version.tags))
        for rule in one.rules:
            by_push = (rule.age_by or "pushed") == "pushed" and not rule.match.rest
            if rule.keep.within and by_push and covers(rule.match, image):
                pushed = certain(version.pushed)
                assert pushed is not None
                assert max(NOON - pushed, timedelta()) >= rule.keep.within.delta


@given(documents(), inventories(), st.data())
def test_an_index_that_somebody_pushes_takes_nothing_from_a_rule_that_keeps_all(
    document: dict[str, Any], held: Inventory, data: st.DataObject
) -> None:
    one = policy(document)
    some = (
        data.draw(st.lists(st.sampled_from(sorted(held.versions)), max_size=3))
        if held.versions
        else []
    )
    pushed = index("evil", "pr-9", lists=[held.versions[digest] for digest in some], age="400d")

    after = gone(one, inventory(*held.versions.values(), pushed))

    kept = {
        digest
        for digest, version in held.versions.items()
        if any(covers(rule.match, Tagged(version, list(version.tags))) for rule in keeping_all(one))
    }
    assert not after & kept


def test_an_untagged_image_under_keep_all_stays_though_an_untagged_index_lists_it() -> None:
    assert gone(policy(CHARTS), LISTED) == set()
