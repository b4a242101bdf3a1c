"""What of an approved plan may still be done: live evaluation can only shrink it."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from reconciler.core.decide import Decision, Decisions, decide
from reconciler.core.drift import drift
from reconciler.core.graph import Graph, build_graph
from reconciler.core.guards import Allowances, ImageCounts, check_guards
from reconciler.core.order import deletion_order
from reconciler.core.planner import PlanningInput
from reconciler.core.walk import closure
from reconciler.model.inventory import Inventory, Version
from reconciler.model.journal import Result
from reconciler.model.names import Digest
from reconciler.model.plan import Cause, Change, Guard, RepositoryPlan

_NEEDED = "something that stays needs it"
_INCOMPLETE = "something that would go with it is not in this plan"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A planned deletion that is not carried out, and why."""

    change: Change
    result: Result
    reason: str


@dataclass(frozen=True, slots=True)
class Work:
    """What is left to do in one repository.

    Shape: `components` in order of deletion, each to be deleted without a pause; together with
        `dropped` they are the changes of the plan.
    """

    graph: Graph
    components: tuple[tuple[Change, ...], ...]
    dropped: tuple[Dropped, ...]
    guards: tuple[Guard, ...]


def narrow(planned: RepositoryPlan, case: PlanningInput, allowed: Allowances) -> Work:
    """Hold a plan against the registry and the policy of this moment.

    A change survives when its version is as it was observed, the live evaluation also lets it
    go, nothing that stays keeps it, and all that would go with it was planned too. Nothing is
    added: an image that has got a signature since waits for another plan. Guards count
    the images of now, whatever the plan calls them.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    inventory = case.inventory
    graph = build_graph(inventory)
    decided = decide(case.policy, inventory, graph, now=case.now, observations=case.observations)
    changes = {change.digest: change for change in planned.changes}
    dropped = {drop.change.digest: drop for drop in _dropped(planned.changes, case, decided)}
    willing = changes.keys() - dropped.keys()
    waiting = _waiting(inventory, graph, decided, changes.keys(), willing)
    staying = closure(graph.keeps, inventory.versions.keys() - (willing - waiting))
    for digest in willing & staying:
        reason = _INCOMPLETE if digest in waiting else _NEEDED
        dropped[digest] = Dropped(changes[digest], Result.SKIPPED_REFERENCED, reason)
    order = deletion_order(inventory, graph, willing - staying)
    images, leaving = decided.images.keys(), willing - staying
    toll = ImageCounts(len(images), len(images & leaving), decided.rest(leaving))
    return Work(
        graph=graph,
        components=tuple(
            tuple(_informed(changes[digest], inventory.versions[digest]) for digest in part)
            for part in order
        ),
        dropped=tuple(drop for _, drop in sorted(dropped.items())),
        guards=check_guards(case.policy.guards, inventory.repository, toll, allowed),
    )


def _informed(change: Change, version: Version) -> Change:
    """Add what a document says that the plan had no need to read: an undo goes by it."""
    manifest = version.manifest
    if manifest is None:
        return change
    read = {
        "kind": manifest.kind,
        "size": manifest.content_size,
        "children": tuple(child.digest for child in manifest.children),
        "subject": manifest.subject,
    }
    return change.model_copy(update={"observed": change.observed.model_copy(update=read)})


def _waiting(
    inventory: Inventory,
    graph: Graph,
    decided: Decisions,
    planned: Set[Digest],
    willing: Set[Digest],
) -> set[Digest]:
    """Return what would leave something behind that belongs to it and that no plan has named."""
    unplanned = {*decided.to_delete} - planned - decided.images.keys()
    standing = closure(graph.keeps, inventory.versions.keys() - willing - unplanned)
    return closure(graph.kept_by, unplanned - standing)


def _dropped(
    changes: Sequence[Change], case: PlanningInput, decided: Decisions
) -> Iterator[Dropped]:
    """Yield the changes that the registry or the policy of this moment rules out."""
    for change in changes:
        version = case.inventory.versions.get(change.digest)
        if version is None:
            yield Dropped(change, Result.ABSENT, "the registry no longer has it")
        elif words := drift(change.observed, version):
            yield Dropped(change, Result.SKIPPED_CHANGED, words)
        elif change.digest not in decided.to_delete:
            yield Dropped(change, *_why_kept(change.digest, decided.images))


def _why_kept(digest: Digest, images: Mapping[Digest, Decision]) -> tuple[Result, str]:
    decision = images.get(digest)
    if decision is None or decision.cause in (Cause.NEEDED, Cause.EXPIRED):
        return Result.SKIPPED_REFERENCED, _NEEDED
    return Result.SKIPPED_CHANGED, f"now kept ({decision.cause}): {'; '.join(decision.reasons)}"
