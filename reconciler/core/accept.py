"""Whether a saved plan may be applied at all, before anything is contacted."""

from datetime import datetime

from reconciler.errors import PlanError
from reconciler.model.plan import Plan, RepositoryPlan


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
    for part in plan.repositories:
        _check_part(part)


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
