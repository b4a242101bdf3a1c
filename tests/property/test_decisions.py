"""Decisions are what the text of the language says, whoever wrote them down."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from tests.property.naive import Naive
from tests.support.strategies import inventories, observations, policies
from tests.support.time import NOON


@given(st.data())
def test_every_decision_is_what_a_naive_reading_of_the_language_says(data: st.DataObject) -> None:
    policy, held = data.draw(policies()), data.draw(inventories())
    seen = data.draw(observations(held))
    naive = Naive(policy, held, NOON, seen)

    decided = decide(policy, held, build_graph(held), now=NOON, observations=seen)

    rules = {rule.name for rule in policy.rules}
    told = {
        digest: (decision.cause, {o.rule: o.keeps for o in decision.opinions if o.rule in rules})
        for digest, decision in decided.images.items()
    }
    expected = {d: (one.cause, one.opinions) for d, one in naive.verdicts().items()}
    assert told == expected
    assert decided.to_delete == naive.doomed()
