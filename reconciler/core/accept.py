"""Whether a saved plan may be applied at all, before anything is contacted."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from reconciler.errors import PlanError
from reconciler.model.journal import Record
from reconciler.model.plan import Plan, RepositoryPlan

MAX_APART = timedelta(minutes=10)
"""How far the clocks of two machines may be apart; each is held against a registry's."""


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
    for one in plan.unlisted:
        raise PlanError(f"{one.pattern}: the plan is incomplete: {one.error}")
    for part in plan.repositories:
        _check_part(part)


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
