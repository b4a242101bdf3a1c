"""A rule that needs a time which nobody has is refused with what to write instead."""

import pytest

from reconciler.core.select import check_facts
from reconciler.errors import PolicyError
from reconciler.model.inventory import Fact
from tests.support.inventories import inventory, policy

OCI = frozenset({Fact.CREATED, Fact.FIRST_SEEN, Fact.UNTAGGED_SINCE})


def refusal(document: str, facts: frozenset[Fact] = OCI) -> tuple[str, str]:
    with pytest.raises(PolicyError) as refused:
        check_facts(policy(document), inventory(facts=facts))
    return str(refused.value), refused.value.hint


@pytest.mark.parametrize(
    ("keep", "hint"),
    [
        ("within: 7d", "`age_by: created` or `age_by: first_seen`"),
        ("last: 3", "`order_by: created` or `order_by: first_seen`"),
        ("extra: 3", "`order_by: created` or `order_by: first_seen`"),
    ],
)
def test_a_rule_without_its_time_is_told_what_to_write(keep: str, hint: str) -> None:
    message, cure = refusal(f"rules: [{{name: r, match: {{any: true}}, keep: {{{keep}}}}}]")

    assert message == "web/r: ghcr.io/acme/web has no `pushed` time"
    assert cure == f"Write {hint} in this rule."


def test_a_rule_that_needs_a_time_for_ages_and_for_ranks_is_told_both_keys() -> None:
    document = "rules: [{name: r, match: {any: true}, keep: {daily: 3}}]"

    _, cure = refusal(document, frozenset({Fact.CREATED}))

    assert cure == "Write `age_by: created` and `order_by: created` in this rule."


def test_only_times_that_exist_are_offered() -> None:
    document = "rules: [{name: r, match: {any: true}, keep: {within: 7d}}]"

    _, some = refusal(document, frozenset({Fact.FIRST_SEEN}))
    _, none = refusal(document, frozenset())

    assert some == "Write `age_by: first_seen` in this rule."
    assert none == "Write neither ages nor ranks in this rule."


def test_a_protection_is_told_what_it_can_do() -> None:
    message, cure = refusal("""
        protect: [{name: p, match: {any: true}, keep: {within: 7d}}]
        rules: [{name: r, match: {any: true}, keep: {none: true}}]
    """)

    assert message == "web/p: ghcr.io/acme/web has no `pushed` time"
    assert cure == "A protection cannot use another time: remove `keep`, so that it keeps all."


@pytest.mark.parametrize(
    "rule",
    [
        "match: {any: true}, keep: {none: true}",
        "match: {any: true}, keep: {all: true}",
        "match: {semver: '>=0'}, keep: {last: 3}",
        "match: {any: true}, keep: {within: 7d}, age_by: created",
        "match: {any: true}, keep: {last: 3}, order_by: first_seen",
        "match: {regex: '(?P<n>[0-9]+)'}, keep: {last: 3}, order_by: 'int:n'",
        "match: {any: true}, keep: {within: 7d}, age_by: first_seen, order_by: pushed",
    ],
)
def test_a_rule_that_reads_no_push_time_needs_none(rule: str) -> None:
    check_facts(policy(f"rules: [{{name: r, {rule}}}]"), inventory(facts=OCI))
