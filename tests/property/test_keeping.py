"""What stays, stays whole; and whoever asks to keep more never loses more."""

from dataclasses import replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.core.decide import decide
from reconciler.core.graph import build_graph, image_tags
from reconciler.model.inventory import Inventory, Observations
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from tests.property.naive import links, reach
from tests.property.naive_rules import knows
from tests.support.inventories import inventory, policy
from tests.support.strategies import documents, inventories, matches, observations, policies
from tests.support.time import NOON


def _doomed(one: Policy, held: Inventory, seen: Observations | None = None) -> set[Digest]:
    return set(decide(one, held, build_graph(held), now=NOON, observations=seen).to_delete)


@given(st.data())
def test_nothing_is_deleted_that_something_kept_needs(data: st.DataObject) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    seen = data.draw(observations(held))

    decided = decide(one, held, build_graph(held), now=NOON, observations=seen)

    kept = {digest for digest, decision in decided.images.items() if not decision.expires}
    assert not decided.to_delete & reach(links(held), kept)
    assert decided.to_delete | reach(links(held), held.versions.keys() - decided.to_delete) == set(
        held.versions
    )


@given(st.data())
def test_what_is_protected_by_digest_or_held_survives_with_all_it_needs(
    data: st.DataObject,
) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    seen = data.draw(observations(held))

    gone = _doomed(one, held, seen)

    named = {digest for part in one.protect for digest in part.digests or ()}
    held_back = {digest for digest, noted in seen.digests.items() if noted.held}
    assert not gone & reach(links(held), named | held_back)


@given(documents(), inventories())
def test_an_image_with_a_tag_that_no_rule_knows_survives(
    document: dict[str, Any], held: Inventory
) -> None:
    one = policy(document | {"unmatched_tags": "keep"})

    gone = _doomed(one, held)

    for digest in gone:
        for tag in image_tags(held, held.versions[digest]):
            assert any(knows(rule.match, tag) for rule in one.rules)


@given(st.data())
def test_a_typo_in_a_pattern_never_deletes_what_only_that_rule_knew(data: st.DataObject) -> None:
    selectors = ("tags", "regex", "semver", "untagged")
    document = data.draw(documents(selectors=selectors)) | {"unmatched_tags": "keep"}
    held = data.draw(inventories())
    at = data.draw(st.integers(0, len(document["rules"]) - 1))
    before = policy(document)
    typo = document["rules"][at] | {"match": {"tags": ["typo"]}, "name": "typo"}
    for key in ("group_by", "order_by", "age_by"):
        typo.pop(key, None)
    others = [rule for rule in before.rules if rule.name != before.rules[at].name]

    after = policy(
        document | {"rules": [*document["rules"][:at], typo, *document["rules"][at + 1 :]]}
    )

    for digest in _doomed(after, held):
        for tag in image_tags(held, held.versions[digest]):
            only_it = not any(knows(rule.match, tag) for rule in others)
            assert not (only_it and knows(before.rules[at].match, tag))


@given(st.data())
def test_a_rule_that_keeps_all_never_deletes_more(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    match = data.draw(matches())

    added = {"name": "added", "match": match, "keep": {"all": True}}

    more = policy(document | {"rules": [*document["rules"], added]})

    assert _doomed(more, held) <= _doomed(policy(document), held)


@given(st.data())
def test_a_protection_never_deletes_more(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    added = data.draw(documents())["protect"]
    renamed = [part | {"name": f"added-{part['name']}"} for part in added]
    assume(renamed)

    more = policy(document | {"protect": [*document["protect"], *renamed]})

    assert _doomed(more, held) <= _doomed(policy(document), held)


@given(st.data())
def test_a_greater_limit_never_deletes_more(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    at = data.draw(st.integers(0, len(document["rules"]) - 1))
    rule = document["rules"][at]
    greater = {
        key: limit + 1 if isinstance(limit, int) and limit is not True else limit
        for key, limit in rule["keep"].items()
    }
    if "within" in greater:
        greater["within"] = data.draw(st.sampled_from(("31d", "53w")))
        assume(policy(document).rules[at].keep.within != "52w" or greater["within"] == "53w")
    rules = [*document["rules"]]
    rules[at] = rule | {"keep": greater}

    more = policy(document | {"rules": rules})

    assert _doomed(more, held) <= _doomed(policy(document), held)


@given(st.data())
def test_an_older_min_age_never_deletes_more(data: st.DataObject) -> None:
    document, held = data.draw(documents()), data.draw(inventories())
    guards = document["guards"] | {"min_age": "31d"}

    assert _doomed(policy(document | {"guards": guards}), held) <= _doomed(policy(document), held)


@given(st.data())
def test_planning_again_after_everything_was_deleted_deletes_nothing(data: st.DataObject) -> None:
    one, held = data.draw(policies()), data.draw(inventories())
    seen = data.draw(observations(held))
    gone = _doomed(one, held, seen)
    left = [replace(version) for digest, version in held.versions.items() if digest not in gone]

    again = _doomed(one, inventory(*left), seen)

    assert not again
