"""Whether a repository has the times that a policy asks for."""

from reconciler.errors import PolicyError
from reconciler.model.inventory import Fact, Inventory
from reconciler.model.policy import Policy


def check_facts(policy: Policy, inventory: Inventory) -> None:
    """Refuse a policy whose rules need a time that nobody can give here.

    Raises: PolicyError, naming the rule, the time and what to write instead.
    """
    protections = (protection.rule for protection in policy.protect)
    for rule in (*policy.rules, *(rule for rule in protections if rule)):
        for fact in sorted(rule.facts - inventory.facts):
            key = "age_by" if rule.keep.reads_age and rule.age_by.fact == fact else "order_by"
            others = " or ".join(
                f"`{key}: {other}`"
                for other in (Fact.CREATED, Fact.FIRST_SEEN)
                if other in inventory.facts
            )
            raise PolicyError(
                f"{policy.name}/{rule.name}: {inventory.repository} has no `{fact}` time",
                hint=f"Write {others or 'a rule without ages'} in this rule.",
            )
