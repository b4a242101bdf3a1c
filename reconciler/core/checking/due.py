"""Images that were due to go a while ago and are here still, and runs that should have come."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from reconciler.core.checking.finding import HealthFinding, HealthInput, Kind, Thresholds
from reconciler.core.checking.wording import shortly, version_name, versions
from reconciler.core.decide import decide
from reconciler.core.graph import build_graph
from reconciler.core.planner import PlanningInput
from reconciler.model.inventory import Inventory, Version
from reconciler.model.journal import Record, Result
from reconciler.model.names import Digest
from reconciler.model.observations import Observation
from reconciler.model.plan import RepositoryPlan
from reconciler.model.spans import as_span

_NEVER = "no apply has succeeded yet"
_APPLY = "Run `reconciler apply`, and find out why no schedule did."


def overdue(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find images that have been due for longer than they may."""
    found = due_since(standing, standing.now - bounds.overdue)
    if found:
        words = f"{versions(len(found), 'image')} due to go for more than {as_span(bounds.overdue)}"
        tagged_first = sorted(found, key=lambda version: (not version.tags, version.digest))
        yield HealthFinding(
            Kind.OVERDUE, words, _cure(standing.plan), tuple(map(version_name, tagged_first))
        )


def not_applied(standing: HealthInput, bounds: Thresholds) -> Iterator[HealthFinding]:
    """Find that nothing was applied although there was work all the time."""
    since = standing.now - bounds.last_apply
    last = last_success(standing.records)
    waiting = due_since(standing, since) if last is None or last < since else ()
    if waiting:
        told = f"the last successful apply was on {shortly(last)}" if last else _NEVER
        words = f"{told}, and {versions(len(waiting), 'image')} due since before {shortly(since)}"
        yield HealthFinding(Kind.NOT_APPLIED, words, _cure(standing.plan))


def due_since(standing: HealthInput, since: datetime) -> tuple[Version, ...]:
    """Return the images that go now and would have gone at an earlier moment already.

    The policy is asked again as of then: without what was pushed later, and without what may
    have had other tags then. An empty state has seen no apply at all, so nothing speaks for that.
    """
    if standing.case is None or not standing.going:
        return ()
    case, seen = standing.case, standing.case.observations.digests
    went = _went(case, since) & standing.going
    found = (case.inventory.versions[digest] for digest in sorted(went))
    return tuple(
        one for one in found if not seen or _was_the_same(one, seen.get(one.digest), since)
    )


def last_success(records: Iterable[Record]) -> datetime | None:
    """Return when an apply last did what it could; None where none ever did."""
    listed = list(records)
    undoing = {one.run for one in listed if one.type == "run_open" and "undoes" in one.body}
    closed = (one for one in listed if one.type == "run_close" and one.run not in undoing)
    return max((record.ts for record in closed if _is_success(record)), default=None)


def _is_success(closing: Record) -> bool:
    """Whether a run came to its end, or, where its time ran out, came on at least."""
    counts = closing.body.get("counts", {})
    failed = any(counts.get(result) for result in (Result.FAILED, Result.UNKNOWN))
    came_on = closing.body.get("reason") == "done" or counts.get(Result.DELETED)
    return bool(came_on) and not failed


def _went(case: PlanningInput, then: datetime) -> frozenset[Digest]:
    """Return the images that the policy let go at an earlier moment."""
    earlier = _as_of(case.inventory, then)
    decided = decide(
        case.policy, earlier, build_graph(earlier), now=then, observations=case.observations
    )
    return frozenset(digest for digest, decision in decided.images.items() if decision.expires)


def _as_of(inventory: Inventory, then: datetime) -> Inventory:
    """Leave out what came later, as far as its time is known."""
    born = ((one.pushed or one.first_seen, one) for one in inventory.versions.values())
    here = [version for at, version in born if at is None or at <= then]
    return replace(inventory, versions={version.digest: version for version in here})


def _was_the_same(version: Version, seen: Observation | None, then: datetime) -> bool:
    """Whether a version had the tags of now at an earlier moment, as far as runs have seen."""
    if version.tags:
        return seen is None or (seen.untagged_since is None and seen.tags == version.tags)
    return seen is not None and seen.untagged_since is not None and seen.untagged_since <= then


def _cure(plan: RepositoryPlan | None) -> str:
    """Say what to do: let the plan pass where a guard stops it, else apply it."""
    stopping = [guard for guard in plan.guards if not guard.ok] if plan else []
    if not stopping:
        return _APPLY
    limits = ", ".join(f"{guard.name} ({guard.actual:.9g} of {guard.limit})" for guard in stopping)
    overrides = " ".join(guard.override for guard in stopping)
    return f"A guard stops every apply: {limits}. If this is meant: reconciler apply {overrides}"
