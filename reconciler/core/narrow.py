"""Reduce an approved plan to what may still be deleted: preconditions, drift, live decision.

The live decision can only remove deletions from a plan, never add one: apply deletes what was
approved. Source: docs/promises.md, "Approved only".
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.core.decide import Decisions, decide
from reconciler.core.graph import Graph, build_graph
from reconciler.core.order import deletion_order
from reconciler.core.planner import (
    ImageCounts,
    PlanningInput,
    RaisedLimits,
    check_guards,
    raised_limits,
)
from reconciler.core.walk import closure
from reconciler.errors import PlanError
from reconciler.model.causes import Cause
from reconciler.model.inventory import Version
from reconciler.model.journal import Record, Result
from reconciler.model.plan import DeletionPlan, Guard, Plan, RepositoryPlan, RestorePlan
from reconciler.model.plan_rows import Change, Observed
from reconciler.model.results import Dropped
from reconciler.model.sources import PolicySource

if TYPE_CHECKING:
    from deepdiff import DeepDiff

_NEEDED = "a version that is kept needs it"
_INCOMPLETE = "a version that would be deleted with it is not in this plan"

MAX_APART = timedelta(minutes=10)
"""Most that the clocks of two machines may differ; each is also compared with a registry's."""

MAX_LIFE = timedelta(days=30)
"""Longest time after its creation for which a plan is valid, whatever `expires_at` says."""


@dataclass(frozen=True, slots=True)
class RemainingWork:
    """What remains to be done in one repository.

    Shape: `components` in order of deletion, each to be deleted without a pause; together with
        `dropped` they are the changes of the plan.
    """

    graph: Graph
    components: tuple[tuple[Change, ...], ...]
    dropped: tuple[Dropped, ...]
    guards: tuple[Guard, ...]


def narrow(planned: RepositoryPlan, case: PlanningInput, allowed: RaisedLimits) -> RemainingWork:
    """Check a plan against the current registry and policy.

    A deletion remains when its version is as it was observed, the live decision also deletes it,
    no version that is kept needs it, and everything deleted with it was planned too. Nothing is
    added: an image that was signed after planning is left for the next plan. Guards count the
    images of the live decision, not those of the plan.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    # Step 6 of docs/apply.md, with the policy and the registry of this moment.
    inventory = case.inventory
    graph = build_graph(inventory)
    decided = decide(case.policy, inventory, graph, now=case.now, observations=case.observations)
    changes = {change.digest: change for change in planned.changes}
    dropped = {drop.change.digest: drop for drop in _dropped(planned.changes, case, decided)}
    still_due = changes.keys() - dropped.keys()
    # Followers that were pushed after planning: their deletion was not approved, and without
    # their image they would be left over.
    unplanned = {*decided.to_delete} - changes.keys() - decided.images.keys()
    kept_anyway = closure(graph.keeps, inventory.versions.keys() - still_due - unplanned)
    incomplete = closure(graph.kept_by, unplanned - kept_anyway)
    # Everything that is not deleted now is kept, and so is everything that it needs.
    kept = closure(graph.keeps, inventory.versions.keys() - (still_due - incomplete))
    for digest in still_due & kept:
        reason = _INCOMPLETE if digest in incomplete else _NEEDED
        dropped[digest] = Dropped(changes[digest], Result.SKIPPED_REFERENCED, reason)
    to_delete = still_due - kept
    # The order is computed again: links may have changed since the plan was made.
    order = deletion_order(inventory, graph, to_delete)
    images = decided.images.keys()
    counts = ImageCounts(len(images), len(images & to_delete), decided.remaining(to_delete))
    return RemainingWork(
        graph=graph,
        components=tuple(
            tuple(_with_document(changes[digest], inventory.versions[digest]) for digest in part)
            for part in order
        ),
        dropped=tuple(drop for _, drop in sorted(dropped.items())),
        # Step 7: the same guards again, against the present number of images.
        guards=check_guards(case.policy.guards, inventory.repository, counts, allowed),
    )


def _with_document(change: Change, version: Version) -> Change:
    """Add what the document says, which planning may not have read: an undo depends on it."""
    manifest = version.manifest
    if manifest is None:
        return change
    read = replace(
        change.observed,
        kind=manifest.kind,
        size=manifest.content_size,
        children=tuple(child.digest for child in manifest.children),
        subject=manifest.subject,
    )
    return replace(change, observed=read)


def _dropped(
    changes: Sequence[Change], case: PlanningInput, decided: Decisions
) -> Iterator[Dropped]:
    """Yield the deletions that the current registry or policy rules out."""
    for change in changes:
        version = case.inventory.versions.get(change.digest)
        # Deleted since the plan was made: there is nothing more to do.
        if version is None:
            yield Dropped(change, Result.ABSENT, "the registry no longer has it")
        elif difference := drift(change.observed, version):
            yield Dropped(change, Result.SKIPPED_CHANGED, difference)
        elif change.digest not in decided.to_delete:
            decision = decided.images.get(change.digest)
            if decision is None or decision.cause in (Cause.NEEDED, Cause.EXPIRED):
                yield Dropped(change, Result.SKIPPED_REFERENCED, _NEEDED)
            else:
                reason = f"now kept ({decision.cause}): {'; '.join(decision.reasons)}"
                yield Dropped(change, Result.SKIPPED_CHANGED, reason)


def drift(observed: Observed, version: Version) -> str:
    """Describe how a version differs from what the plan observed; empty when it does not.

    Tags and push time identify it as the one that was reviewed; everything else follows from the
    digest.
    """
    # Most versions are unchanged, and DeepDiff, which words a difference, is slow.
    if (observed.tags, observed.pushed) == (version.tags, version.pushed):
        return ""
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to load, and rarely needed

    difference = DeepDiff(_identity(observed), _identity(version), view="tree")
    return "; ".join(sorted(_describe(difference)))


def _identity(version: Observed | Version) -> dict[str, object]:
    return {"tags": set(map(str, version.tags)), "pushed": version.pushed}


def _describe(difference: "DeepDiff") -> Iterator[str]:
    """Turn a difference into short sentences."""
    for level in difference.get("set_item_added", ()):
        yield f"tag {level.t2} was added"
    for level in difference.get("set_item_removed", ()):
        yield f"tag {level.t1} was removed"
    for kind in ("values_changed", "type_changes"):
        for level in difference.get(kind, ()):
            yield f"its push time was {_time(level.t1)} and is now {_time(level.t2)}"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "unknown"


def check_applicable(plan: Plan, *, now: datetime, expected: str = "") -> None:
    """Refuse a plan that is not the approved one, has expired, or is a forecast.

    Raises: PlanError, with the reason.
    """
    # Step 1 of docs/apply.md: nothing has been contacted yet.
    if expected and expected != plan.digest:
        raise PlanError(f"the plan has the digest {plan.digest}, not the expected {expected}")
    if plan.forecast:
        raise PlanError(f"the plan is a forecast for {plan.evaluated_at:%Y-%m-%d %H:%M} UTC")
    if now >= plan.expires_at:
        raise PlanError(f"the plan expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC")
    # `plan` never writes such times: an edited file could make a plan valid for ever.
    if plan.created_at > now + MAX_APART:
        raise PlanError(
            f"the plan was made at {plan.created_at:%Y-%m-%d %H:%M} UTC, which is in the future",
            hint="Correct the clock of this machine or of the one that planned, then plan again.",
        )
    if plan.expires_at > plan.created_at + MAX_LIFE:
        raise PlanError(
            f"the plan is valid until {plan.expires_at:%Y-%m-%d %H:%M} UTC, more than "
            f"{MAX_LIFE.days} days after it was made"
        )
    # It is unknown what the pattern matches, so the plan may lack whole repositories.
    for unlisted in plan.unlisted:
        raise PlanError(f"{unlisted.pattern}: the plan is incomplete: {unlisted.error}")
    for part in plan.repositories:
        _check_part(part)


def require_deletions(plan: Plan) -> DeletionPlan:
    """Return a plan of either kind if it deletes.

    Raises: PlanError, for a plan that restores: nothing in it may be deleted.
    """
    if isinstance(plan, RestorePlan):
        raise PlanError(f"the plan restores what run {plan.undoes} deleted; it deletes nothing")
    return plan


def accepted_limits(
    plan: DeletionPlan, *, allowed: RaisedLimits, expected: str = ""
) -> RaisedLimits:
    """Return the limits to use instead of the policy's: those `allowed` by the command line.

    The raised limits that the plan was made with count only if its digest is `expected`: then a
    reviewer approved exactly this plan. Source: docs/adr/0013-who-may-let-more-go.md.

    Raises: PlanError, if the plan needs a raised limit that the command line does not allow.
    """
    # A plan file can be edited and its digest computed again, so it cannot raise its own limits.
    limits = {key: limit for part in plan.repositories for key, limit in raised_limits(part)}
    if expected and expected == plan.digest:
        return {**limits, **allowed}
    missing = [
        f"--allow {guard}:{repository}={limit}"
        for (guard, repository), limit in limits.items()
        if (guard, repository) not in allowed
    ]
    if missing:
        raise PlanError(
            "the plan was made with raised limits, and a plan file alone cannot raise limits",
            hint=f"To apply it, add {' '.join(missing)}, or --expect-digest "
            "with the digest of the plan that was reviewed.",
        )
    return allowed


def changed_sources(plan: DeletionPlan, sources: Iterable[PolicySource]) -> list[str]:
    """Name the policy files that were added, removed or edited since a plan was made."""
    before = {source.path: source.sha256 for source in plan.policy}
    now = {source.path: source.sha256 for source in sources}
    return sorted(path for path in before | now if before.get(path) != now.get(path))


def check_state(part: RepositoryPlan, created: datetime, records: Sequence[Record]) -> None:
    """Refuse a part of a plan that was `created` with another journal than that of this state.

    A plan made before there was a journal may be applied with a journal that started later.

    Raises: PlanError, with the difference.
    """
    # Source: docs/adr/0005-plan-and-state.md.
    if part.state and all(record.hash != part.state for record in records):
        differs = f"the journal of this state has no record {part.state}"
    elif not part.state and records and records[0].ts + MAX_APART < created:
        started = f"{records[0].ts:%Y-%m-%d %H:%M} UTC"
        differs = f"it was made without a journal, but the one of this state starts at {started}"
    else:
        return
    raise PlanError(
        f"{part.repository}: the plan was made with another state: {differs}",
        hint="Use the same --state or RECONCILER_STATE for both commands, or plan again.",
    )


def _check_part(part: RepositoryPlan) -> None:
    if not part.complete:
        raise PlanError(f"{part.repository}: the plan is incomplete: {part.error}")
    stopping = [guard for guard in part.guards if not guard.ok]
    if stopping:
        names = ", ".join(guard.name for guard in stopping)
        overrides = " ".join(guard.override for guard in stopping)
        raise PlanError(
            f"{part.repository}: the plan was stopped by {names}",
            hint=f"If this is intended, plan again with: {overrides}",
        )
