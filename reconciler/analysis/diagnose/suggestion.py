"""Remedies for a diagnosis: a policy that deletes what is left over, and workflow changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.analysis.diagnose.causes import ADVICE, Remedy, VersionCause
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
    present = set(causes)
    remedies: dict[Remedy, list[VersionCause]] = {}
    for cause in VersionCause:
        remedy = ADVICE[cause].remedy
        if cause in present and remedy:
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


@dataclass(frozen=True, slots=True)
class Attribution:
    """A step, and the causes among those found that it makes.

    Shape: `place` is file and line, `step` how the file calls it; `causes` is not empty.
    """

    place: str
    step: str
    causes: tuple[VersionCause, ...]


@dataclass(frozen=True, slots=True)
class AdvisedChange:
    """One change of a workflow, and how many of the versions found it would have spared.

    Shape: `unneeded` counts those that nothing needs, `needed` those in use; `patch` is what
        `git apply` takes, empty where only somebody who knows the build can make the change.
    """

    place: str
    text: str
    patch: str
    unneeded: int
    needed: int


@dataclass(frozen=True, slots=True)
class WorkflowAdvice:
    """What workflows have to do with a repository.

    Shape: `proposals` has the one that spares most left-overs first; `unread` tells of files that
        could not be read, each with the reason.
    """

    attributions: tuple[Attribution, ...] = ()
    proposals: tuple[AdvisedChange, ...] = ()
    unread: tuple[str, ...] = ()
