"""Compare two policies on one inventory: which decisions change, and which edits cause that."""

from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.core.decide import Decision, Decisions, decide
from reconciler.core.graph import Graph, build_graph
from reconciler.core.planner import PlanningInput
from reconciler.core.policy_edits import Edits, edits_between, protecting, weakenings
from reconciler.core.walk import closure
from reconciler.model.comparison import ChangedImage, PolicyEdit, RepositoryDifference, Shift
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest
from reconciler.model.plan import Cause
from reconciler.model.policy import Policy

_LATEST = datetime.max.replace(tzinfo=UTC)
_NOTHING = Decisions({}, frozenset())

_OWN = {""}
"""The name under which edits of the policy itself are listed."""


@dataclass(frozen=True, slots=True)
class Side:
    """One policy and its decisions; a missing policy decides nothing."""

    policy: Policy | None
    decided: Decisions


def blame(kept: Side, deleted: Side, digest: Digest, edits: Edits) -> tuple[PolicyEdit, ...]:
    """Return the edits that best explain why one side keeps an image and the other deletes it.

    There are none if the whole policy was added or removed.
    """
    keeping, deleting = kept.decided.images.get(digest), deleted.decided.images.get(digest)
    if kept.policy is None or keeping is None or deleting is None:
        return ()
    covering = _rules(deleting)
    edits_of_cause: tuple[PolicyEdit, ...] = ()
    match keeping.cause:
        case Cause.PROTECTED:
            edits_of_cause = edits.on(protecting(kept.policy, keeping), "protection")
        case Cause.RULE:
            keepers = {opinion.rule for opinion in keeping.opinions if opinion.keeps}
            edits_of_cause = edits.on(keepers, "rule")
        case Cause.YOUNG:
            edits_of_cause = _settings(edits, "guards.min_age")
        # No rule covered the image, or not all of its tags: the rules that cover it now do.
        case Cause.UNMATCHED_TAG:
            edits_of_cause = (*edits.on(covering, "rule"), *_settings(edits, "unmatched_tags"))
        case Cause.UNCOVERED:
            edits_of_cause = edits.on(covering, "rule")
    # From the most specific explanation to the most general; the first with an edit is reported.
    return (
        edits_of_cause or edits.on(covering | _rules(keeping), "rule") or edits.on(_OWN, "policy")
    )


def _settings(edits: Edits, key: str) -> tuple[PolicyEdit, ...]:
    return tuple(edit for edit in edits.on(_OWN, "policy") if edit.key == key)


def _rules(decision: Decision) -> set[str]:
    return {opinion.rule for opinion in decision.opinions}


def compare(
    case: PlanningInput, before: Policy | None, after: Policy | None
) -> RepositoryDifference:
    """Compare two policies on the same inventory; None means no policy, which deletes nothing.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    graph = build_graph(case.inventory)
    old, new = (
        decide(policy, case.inventory, graph, now=case.now, observations=case.observations)
        if policy
        else _NOTHING
        for policy in (before, after)
    )
    edits = edits_between(before, after)
    deleted_now, kept_now = new.to_delete - old.to_delete, old.to_delete - new.to_delete
    crossing = _Changes(case.inventory, graph, old, new)
    return RepositoryDifference(
        repository=case.inventory.repository,
        before=before.name if before else "",
        after=after.name if after else "",
        weakened=tuple(weakenings(before, edits, (old, new), deleted_now)) if after else (),
        edits=edits.all,
        added=crossing.shifts(deleted_now, Side(before, old), Side(after, new), edits),
        spared=crossing.shifts(kept_now, Side(after, new), Side(before, old), edits),
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """The versions that one side deletes and the other keeps."""

    inventory: Inventory
    graph: Graph
    old: Decisions
    new: Decisions

    def shifts(
        self, moved: Set[Digest], kept: Side, deleted: Side, edits: Edits
    ) -> tuple[Shift, ...]:
        """Group the changed versions by the edits that cause it, the largest group first."""
        judged = {
            digest: blame(kept, deleted, digest, edits)
            for digest in moved
            if (decision := kept.decided.images.get(digest)) and decision.cause is not Cause.NEEDED
        }
        grouped: dict[tuple[PolicyEdit, ...], list[Digest]] = defaultdict(list)
        for digest in sorted(moved):
            # A follower has no decision of its own: it changes because of an image that keeps it.
            leading = {digest} if digest in judged else closure(self.graph.kept_by, [digest])
            edits_behind = judged[min(leading & judged.keys())] if leading & judged.keys() else ()
            grouped[edits_behind].append(digest)
        shifts = (self._shift(edits, digests) for edits, digests in grouped.items())
        return tuple(sorted(shifts, key=lambda shift: (-shift.versions, str(shift.because))))

    def _shift(self, because: tuple[PolicyEdit, ...], digests: Sequence[Digest]) -> Shift:
        """Return the images among the changed versions, the newest first."""
        # Which versions are images does not depend on the policy: where both sides decided, they
        # decided on the same ones. A missing policy decided on none.
        decided = self.new.images or self.old.images
        images: list[ChangedImage] = []
        for digest in digests:
            if digest in decided:
                version = self.inventory.versions[digest]
                before, after = self.old.images.get(digest), self.new.images.get(digest)
                image = ChangedImage(
                    digest=digest,
                    tags=version.tags,
                    pushed=version.pushed or version.first_seen,
                    before=before.reasons if before else (),
                    after=after.reasons if after else (),
                )
                images.append(image)
        # An unknown push time counts as new, as it does for rules.
        images.sort(key=lambda image: image.pushed or _LATEST, reverse=True)
        return Shift(because=because, images=tuple(images), versions=len(digests))
