"""Remedies for a diagnosis: a policy that deletes leftovers, and workflow changes."""

from collections.abc import Iterable, Mapping
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
"""The match of each rule. A kept index keeps what it lists, regardless of the rules."""


def suggestion(inventory: Inventory, causes: Iterable[VersionCause]) -> str:
    """Write a policy file with the rules for these causes; empty where none needs a rule.

    Images with tags that no rule matches are kept, so the policy deletes no other tagged image.
    """
    present = set(causes)
    remedies: dict[Remedy, list[VersionCause]] = {}
    # In the order of the causes, so that the same causes always give the same file.
    for cause in VersionCause:
        remedy = ADVICE[cause].remedy
        if cause in present and remedy:
            remedies.setdefault(remedy, []).append(cause)
    if not remedies:
        return ""
    # Written as text and not dumped from a document, because each rule has a comment.
    lines = [
        "# Deletes versions that are not needed. `reconciler plan` shows them, and deletes none.",
        "version: 1",
        "policies:",
        f"  - name: {NAME}",
        f'    repositories: ["{inventory.repository}"]',
        "    rules:",
    ]
    # Without push times an age counts from when a run first observed the version.
    since = "" if Fact.PUSHED in inventory.facts else "age_by: first_seen, "
    for remedy, remedied in remedies.items():
        lines += [
            f"      # {', '.join(remedied)}",
            f"      - {{name: {remedy}, {_RULES[remedy]}, {since}keep: {{within: 7d}}}}",
        ]
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Attribution:
    """A workflow step, and the causes of the versions that it creates.

    Shape: `place` is file and line, `step` its name in the file; `causes` is not empty.
    """

    place: str
    step: str
    causes: tuple[VersionCause, ...]


@dataclass(frozen=True, slots=True)
class AdvisedChange:
    """One change of a workflow, and how many of the versions it would have avoided or named.

    Shape: `unneeded` counts those that are not needed, `needed` those in use; `patch` is for
        `git apply`, empty where the change requires knowledge of the build. With `names` the same
        versions are pushed, each under a tag of its own: none is avoided.
    """

    place: str
    text: str
    patch: str
    unneeded: int
    needed: int
    names: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowAdvice:
    """Advice about the workflows that push to a repository.

    Shape: `proposals` has the most effective one first; `unread` has a line for each file that
        could not be read, with the reason.
    """

    attributions: tuple[Attribution, ...] = ()
    proposals: tuple[AdvisedChange, ...] = ()
    unread: tuple[str, ...] = ()
