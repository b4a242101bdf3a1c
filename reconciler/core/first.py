"""Allow the first clean-up of a repository to exceed its guards, for one plan.

The backlog of years is more than guards allow, and only once. The raised limits are those that
`--allow` would give, so whoever applies the plan approves them in the same way.

Source: docs/adr/0013-who-may-let-more-go.md.
"""

from reconciler.model.plan import DeletionPlan, Guard

RAISED = ("max_delete", "max_delete_percent")
"""The guards that count deletions. `never_empty` stays: a backlog is no reason to delete all."""


def first_plan(plan: DeletionPlan) -> DeletionPlan:
    """Return a plan whose guards are raised to what it needs, where there was no run before.

    A repository with a journal was cleaned up before: it keeps its guards.
    """
    return plan.with_parts(
        part if part.state else part.model_copy(update={"guards": tuple(map(_raised, part.guards))})
        for part in plan.repositories
    )


def _raised(guard: Guard) -> Guard:
    if guard.ok or guard.name not in RAISED:
        return guard
    # The limit that the guard itself suggests: with `--allow` the plan would be the same.
    limit = int(guard.override.rpartition("=")[2])
    return guard.model_copy(update={"limit": limit, "ok": True, "override": "", "asked": True})
