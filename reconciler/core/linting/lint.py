"""Policies that say something, and surely not what their writer meant.

A remark is made only where the policy alone proves it, and stops nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.linting.breadth import sees_all
from reconciler.core.linting.futile import futile
from reconciler.core.linting.idle import idle
from reconciler.core.linting.searches import searched
from reconciler.model.match import Match
from reconciler.model.policy import Policy
from reconciler.model.rules import Rule

MAX_COMPARED = 1_000
"""Most tag patterns in one policy whose rules are still compared, each with each."""

_EVERY_IMAGE = Match(any=True)


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to look at, with a cure. Shape: `rule` is empty when it is about the policy."""

    policy: str
    rule: str
    message: str


def lint(policy: Policy) -> tuple[Remark, ...]:
    """Return the remarks on a policy: on the whole, on each rule alone, on rules together."""
    protections = [part.rule for part in policy.protect if part.rule]
    told = [("", words) for words in _policy_remarks(policy)]
    for rule in (*protections, *policy.rules):
        told += [(rule.name, words) for words in futile(rule.match)]
        told += [(rule.name, words) for words in searched(rule.match)]
        told += [(rule.name, words) for words in idle(rule, policy.guards.min_age)]
    if sum(len(rule.match.patterns) for rule in (*protections, *policy.rules)) > MAX_COMPARED:
        told.append(("", f"more than {MAX_COMPARED} patterns are too many to compare; split it"))
    else:
        told += _compared(policy.rules, protections)
    return tuple(Remark(policy.name, name, words) for name, words in told)


def _policy_remarks(policy: Policy) -> Iterator[str]:
    for name in ("max_delete", "max_delete_percent"):
        if getattr(policy.guards, name) == 0:
            yield f"'{name}: 0' stops every plan that would delete something; allow more"
    if all(rule.keep.all for rule in policy.rules):
        yield "every rule keeps all it covers, so nothing ever expires; let one of them keep less"
    if all(_excepted(policy, position) for position in range(len(policy.repositories))):
        yield "'except' takes away all of 'repositories', so nothing is governed; remove one"


def _excepted(policy: Policy, position: int) -> bool:
    glob = policy.repositories[position]
    return glob in policy.except_ or bool(glob.literal and not policy.governs(glob.literal))


def _compared(rules: Sequence[Rule], protections: Sequence[Rule]) -> Iterator[tuple[str, str]]:
    for position, rule in enumerate(rules):
        others = (*rules[:position], *rules[position + 1 :])
        for words in (
            *_shadowed(rule, (*protections, *others)),
            *_left_over(rule, others),
            *_said_before(rule, rules[:position]),
        ):
            yield rule.name, words


def _shadowed(rule: Rule, others: Sequence[Rule]) -> Iterator[str]:
    """Yield the first rule or protection that keeps everything this one could let expire."""
    for other in others:
        if other.keep.all and not rule.keep.all and sees_all(other.match, rule.match):
            yield (
                f"'{other.name}' keeps every image that this covers;"
                f" remove this, or narrow '{other.name}'"
            )
            return


def _left_over(rule: Rule, others: Sequence[Rule]) -> Iterator[str]:
    for other in others:
        if rule.match.rest and sees_all(other.match, _EVERY_IMAGE):
            yield f"'rest' finds nothing, because '{other.name}' covers every image; remove one"
            return


def _said_before(rule: Rule, earlier: Sequence[Rule]) -> Iterator[str]:
    for other in earlier:
        if other.model_copy(update={"name": rule.name}) == rule:
            yield f"'{other.name}' says the same; remove one of them"
            return
