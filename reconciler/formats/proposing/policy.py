"""A proposed policy and its test as files that people read and change."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from reconciler.core.proposing.propose import PATIENCE, Proposal
from reconciler.core.proposing.rules import Example, ProposedRule
from reconciler.formats.humanise import counted
from reconciler.formats.proposing.yamltext import comment, entry, flow
from reconciler.model.names import Tag

_LISTED = 20
"""Most unknown tags that are listed."""

_RULES = "      "


def write_policy(proposal: Proposal) -> str:
    """Write the policy file."""
    return "\n".join(_policy_lines(proposal)) + "\n"


def write_test(proposal: Proposal, now: datetime) -> str:
    """Write the test of the policy, frozen at a moment."""
    return "\n".join(_test_lines(proposal, now)) + "\n"


def _policy_lines(proposal: Proposal) -> Iterator[str]:
    yield from comment(
        "A first policy, written by `reconciler init`. `reconciler plan` says what it would delete"
        " and why; nothing is deleted before `reconciler apply`."
    )
    yield from comment(_first_plan(proposal))
    document = proposal.document
    yield "version: 1"
    yield "policies:"
    yield f"  - name: {flow(document['name'])}"
    yield "    # Exact names or patterns: * stops at a slash, ** does not."
    yield f"    repositories: {flow(document['repositories'])}"
    yield ""
    yield "    # Whatever the rules say, these stay."
    yield "    protect:"
    yield from chain.from_iterable(_rule(one, proposal) for one in proposal.protect)
    yield ""
    yield "    # A rule covers images and says which of them to keep; the others it covers expire."
    yield "    # Keep always wins, and an image with a tag that no rule knows stays."
    yield "    rules:"
    yield from chain.from_iterable(_rule(one, proposal) for one in proposal.rules)
    yield ""
    yield "    # A plan that would go beyond these is shown and cannot be applied."
    yield f"    guards: {flow(document['guards'])}"
    yield from _unknown(proposal.unknown)


def _rule(rule: ProposedRule, proposal: Proposal) -> Iterator[str]:
    yield from comment(rule.reason, _RULES)
    if seen := _rule_comment(rule.document["name"], proposal):
        yield from comment(seen, _RULES)
    yield from entry(rule.document, _RULES)


def _first_plan(proposal: Proposal) -> str:
    """Say what the first plan would do, and how to go on from there."""
    if not proposal.subject.inventories:
        return (
            "Nothing could be read of the registry, so this speaks of the tags that are usual."
            " Compare it with what you have: tags that no rule knows stay, and plans list them."
        )
    going = sum(plan.images_deleted for plan in proposal.plans)
    images = sum(plan.images for plan in proposal.plans)
    told = f"As of now it would let {going:,} of {counted(images, 'image')} go."
    if proposal.terms.patience == PATIENCE[0]:
        return told
    cure = f"Once these are gone, write less than {proposal.terms.patience}d, step by step."
    if proposal.is_safe:
        return f"{told} With shorter ages a guard would stop the first plan. {cure}"
    return f"{told} That is more than a guard allows: `reconciler plan` prints how to allow it."


def _rule_comment(name: str, proposal: Proposal) -> str:
    """Say what a rule was written for: how many images, of which time."""
    families = proposal.subject.families.items()
    tags = {tag for family, found in families if family == name for tag in found}
    found = [
        version
        for inventory in proposal.subject.inventories
        for version in inventory.versions.values()
        if not tags.isdisjoint(version.tags)
    ]
    times = sorted(version.pushed for version in found if version.pushed)
    ages = f", pushed {times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d}" if times else ""
    return f"Found: {counted(len(found), 'image')}{ages}." if found else ""


def _unknown(tags: Sequence[Tag]) -> Iterator[str]:
    if not tags:
        return
    yield ""
    yield from comment(f"Left alone, because no rule knows them: {counted(len(tags), 'tag')}.", "")
    for tag in tags[:_LISTED]:
        yield from comment(f"  {tag}")
    if len(tags) > _LISTED:
        yield from comment(f"  ... and {len(tags) - _LISTED:,} more; `reconciler plan` groups them")


def _test_lines(proposal: Proposal, now: datetime) -> Iterator[str]:
    yield from comment(
        "What the policy is to do with images such as these. `reconciler test` holds it to that,"
        " and a deletion that is not written down here fails. Contacts nothing."
    )
    yield f"policy: {flow(proposal.subject.name)}"
    yield f"now: {now:%Y-%m-%dT%H:%M:%SZ}"
    yield "images:"
    for by, examples in _grouped(proposal.examples).items():
        yield f"  # {by}"
        for one in examples:
            yield from entry(_image(one), "  ")


def _grouped(examples: Iterable[Example]) -> dict[str, list[Example]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        groups[one.by].append(one)
    return dict(groups)


def _image(one: Example) -> dict[str, object]:
    tags = {"tags": list(one.tags)} if one.tags else {}
    return {**tags, "age": f"{one.age}d", "expect": one.expect, "by": str(one.by)}
