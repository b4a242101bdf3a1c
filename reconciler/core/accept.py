"""Whether a saved plan may be applied, and within which limits, before anything is contacted.

The digest of a plan is no signature: whoever edits the file can compute it anew. So nothing that
the file says lets more go than the policies do, unless the command line names its digest.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from reconciler.core.guards import Allowances, raised_limits
from reconciler.errors import PlanError
from reconciler.model.journal import Record
from reconciler.model.plan import Plan, PolicySource, RepositoryPlan

MAX_APART = timedelta(minutes=10)
"""How far the clocks of two machines may be apart; each is held against a registry's."""

MAX_LIFE = timedelta(days=30)
"""How long after it was drawn a plan may still be applied, whatever it says of itself."""


def check_applicable(plan: Plan, *, now: datetime, expected: str = "") -> None:
    """Refuse a plan that is not the approved one, is out of date, or was never meant to run.

    Raises: PlanError, saying which.
    """
    if expected and expected != plan.digest:
        raise PlanError(f"the plan is {plan.digest}, and not the expected {expected}")
    if plan.forecast:
        raise PlanError(f"the plan is a forecast for {plan.evaluated_at:%Y-%m-%d %H:%M} UTC")
    if now >= plan.expires_at:
        raise PlanError(f"the plan expired at {plan.expires_at:%Y-%m-%d %H:%M} UTC")
    _check_times(plan, now)
    for one in plan.unlisted:
        raise PlanError(f"{one.pattern}: the plan is incomplete: {one.error}")
    for part in plan.repositories:
        _check_part(part)


def accepted_limits(plan: Plan, *, allowed: Allowances, expected: str = "") -> Allowances:
    """Return the limits to use instead of the policy's: those `allowed` by the command line.

    Those that the plan was drawn with count only if its digest is `expected`: then somebody
    approved just this plan.

    Raises: PlanError, where the plan needs a raised limit that nobody gave this time.
    """
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
            "the plan was drawn with raised limits, and a plan file alone raises none",
            hint=f"If this is meant, apply it with {' '.join(missing)}, or with --expect-digest "
            "and the digest of the plan that was reviewed.",
        )
    return allowed


def changed_sources(plan: Plan, sources: Iterable[PolicySource]) -> list[str]:
    """Name the policy files that are not what they were when a plan was drawn."""
    before = {source.path: source.sha256 for source in plan.policy}
    now = {source.path: source.sha256 for source in sources}
    return sorted(path for path in before | now if before.get(path) != now.get(path))


def check_state(part: RepositoryPlan, drawn: datetime, records: Sequence[Record]) -> None:
    """Refuse a part that was `drawn` with another journal than this one, or than its beginning.

    A plan drawn before there was a journal fits one that began later, on whichever machine.

    Raises: PlanError, saying how the two differ.
    """
    if part.state and all(record.hash != part.state for record in records):
        differs = f"the journal here has no record {part.state}"
    elif not part.state and records and records[0].ts + MAX_APART < drawn:
        differs = f"it knew no journal, and the one here began {records[0].ts:%Y-%m-%d %H:%M} UTC"
    else:
        return
    raise PlanError(
        f"{part.repository}: the plan was drawn against another state: {differs}",
        hint="Give --state or RECONCILER_STATE the same state for both, or plan again.",
    )


def _check_part(part: RepositoryPlan) -> None:
    if not part.complete:
        raise PlanError(f"{part.repository}: the plan is incomplete: {part.error}")
    stopping = [guard for guard in part.guards if not guard.ok]
    if stopping:
        overrides = " ".join(guard.override for guard in stopping)
        raise PlanError(
            f"{part.repository}: {', '.join(guard.name for guard in stopping)} stopped it",
            hint=f"If this is meant, plan again with: {overrides}",
        )


def _check_times(plan: Plan, now: datetime) -> None:
    """Refuse times that no run of ours writes: they would make a plan last for ever."""
    if plan.created_at > now + MAX_APART:
        raise PlanError(
            f"the plan was drawn at {plan.created_at:%Y-%m-%d %H:%M} UTC, which is still to come",
            hint="Set the clock of this machine or of the one that planned, then plan again.",
        )
    if plan.expires_at > plan.created_at + MAX_LIFE:
        raise PlanError(
            f"the plan lasts until {plan.expires_at:%Y-%m-%d %H:%M} UTC, more than "
            f"{MAX_LIFE.days} days after it was drawn"
        )
