"""Whether a repository has the times that a policy asks for."""

from collections.abc import Iterator

from reconciler.errors import PolicyError
from reconciler.model.inventory import Fact, Inventory
from reconciler.model.policy import Policy
from reconciler.model.rules import Rule


def check_facts(policy: Policy, inventory: Inventory) -> None:
    """Refuse a policy whose rules need a time that nobody can give here.

    Raises: PolicyError, naming the rule, the time and what to write instead.
    """
    for rule in policy.judging:
        for fact in sorted(rule.facts - inventory.facts):
            cure = f"Write {_instead(rule, fact, inventory.facts)} in this rule."
            if rule not in policy.rules:
                cure = "A protection can only count from it: let `keep` be, so that it keeps all."
            raise PolicyError(
                f"{policy.name}/{rule.name}: {inventory.repository} has no `{fact}` time",
                hint=cure,
            )


def _instead(rule: Rule, missing: Fact, given: frozenset[Fact]) -> str:
    """Return what can stand in the rule in place of a time that is missing."""
    keys = list(_keys(rule, missing))
    others = [fact for fact in (Fact.CREATED, Fact.FIRST_SEEN) if fact in given]
    choices = (" and ".join(f"`{key}: {other}`" for key in keys) for other in others)
    return " or ".join(choices) or "no ages and no ranks"


def _keys(rule: Rule, fact: Fact) -> Iterator[str]:
    """Yield the keys of a rule that read a time."""
    if rule.keep.reads_age and rule.age_by.fact == fact:
        yield "age_by"
    if rule.keep.reads_order and rule.order.fact == fact:
        yield "order_by"
