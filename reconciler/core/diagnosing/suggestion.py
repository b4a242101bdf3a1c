"""A policy that lets go what was diagnosed as left over, ready to be put into a file."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.core.diagnosing.advice import ADVICE, Remedy
from reconciler.core.diagnosing.causes import VersionCause
from reconciler.model.inventory import Fact, Inventory

NAME = "diagnosed"
"""The name of the policy that is suggested."""

_RULES: Mapping[Remedy, str] = {
    Remedy.DANGLING: "match: {untagged: true}",
    Remedy.FORGOTTEN: 'match: {tags: ["sha256-*"]}',
    Remedy.STAGING: 'match: {tags: ["*-amd64", "*-arm64", "*-arm64v8", "*-armv7", "*-armv6"]}',
}
"""What each rule is about. An index that stays keeps what it lists, whatever a rule says."""


def suggestion(inventory: Inventory, causes: Iterable[VersionCause]) -> str:
    """Write a policy file with the rules for these causes; empty where none needs a rule.

    Tags that no rule knows keep what they are on, so that whatever else is tagged stays.
    """
    wanted = _by_remedy(causes)
    return "".join(f"{line}\n" for line in _lines(inventory, wanted)) if wanted else ""


def _by_remedy(causes: Iterable[VersionCause]) -> Mapping[Remedy, Sequence[VersionCause]]:
    found = set(causes)
    remedies: dict[Remedy, list[VersionCause]] = {}
    for cause in VersionCause:
        remedy = ADVICE[cause].remedy
        if cause in found and remedy:
            remedies.setdefault(remedy, []).append(cause)
    return remedies


def _lines(inventory: Inventory, wanted: Mapping[Remedy, Sequence[VersionCause]]) -> Iterator[str]:
    # Without push times an age counts from when a run of ours first saw the version.
    since = "" if Fact.PUSHED in inventory.facts else "age_by: first_seen, "
    yield "# Lets go what nothing needs. `reconciler plan` shows what that is; it deletes nothing."
    yield from ("version: 1", "policies:", f"  - name: {NAME}")
    yield f'    repositories: ["{inventory.repository}"]'
    yield "    rules:"
    for remedy, causes in wanted.items():
        yield f"      # {', '.join(causes)}"
        yield f"      - {{name: {remedy}, {_RULES[remedy]}, {since}keep: {{within: 7d}}}}"
