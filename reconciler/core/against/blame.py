"""Which edits change the fate of an image: those on what kept it, or on what sees it."""

from dataclasses import dataclass

from reconciler.core.against.edits import Edits
from reconciler.core.against.weaken import protecting
from reconciler.core.decide import Decision, Decisions
from reconciler.model.difference import PolicyEdit
from reconciler.model.names import Digest
from reconciler.model.plan import Cause
from reconciler.model.policy import Policy

_OWN = {""}
"""What edits of the policy itself are on."""


@dataclass(frozen=True, slots=True)
class Side:
    """One policy and what it decides; a missing one decides nothing."""

    policy: Policy | None
    decided: Decisions


def blame(kept: Side, gone: Side, digest: Digest, edits: Edits) -> tuple[PolicyEdit, ...]:
    """Return the edits that explain best why an image stays on one side and goes on the other.

    There are none where a policy came or went as a whole.
    """
    keeping, letting = kept.decided.images.get(digest), gone.decided.images.get(digest)
    if kept.policy is None or keeping is None or letting is None:
        return ()
    seeing = _rules(letting)
    for found in (
        _keeping(kept.policy, keeping, edits),
        _selecting(keeping, seeing, edits),
        edits.on(seeing | _rules(keeping), "rule"),
    ):
        if found:
            return found
    return edits.on(_OWN, "policy")


def _keeping(policy: Policy, kept: Decision, edits: Edits) -> tuple[PolicyEdit, ...]:
    """Return the edits on whatever kept the image."""
    match kept.cause:
        case Cause.PROTECTED:
            return edits.on(protecting(policy, kept), "protection")
        case Cause.RULE:
            return edits.on(_keepers(kept), "rule")
        case Cause.YOUNG:
            return _settings(edits, "guards.min_age")
        case _:
            return ()


def _selecting(kept: Decision, seeing: set[str], edits: Edits) -> tuple[PolicyEdit, ...]:
    """Return the edits by which rules see an image that none knew on the other side."""
    if kept.cause is Cause.UNMATCHED_TAG:
        return (*edits.on(seeing, "rule"), *_settings(edits, "unmatched_tags"))
    return edits.on(seeing, "rule") if kept.cause is Cause.UNCOVERED else ()


def _settings(edits: Edits, key: str) -> tuple[PolicyEdit, ...]:
    return tuple(edit for edit in edits.on(_OWN, "policy") if edit.key == key)


def _rules(decision: Decision) -> set[str]:
    return {opinion.rule for opinion in decision.opinions}


def _keepers(decision: Decision) -> set[str]:
    return {opinion.rule for opinion in decision.opinions if opinion.keeps}
