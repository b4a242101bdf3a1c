"""Apply one plan over many repositories, each under its own lock, in sorted order."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from reconciler.core.guards import Allowances
from reconciler.core.narrow import Dropped
from reconciler.core.recall import Recall, remembered
from reconciler.engine.apply import Applied, ApplyRequest, apply_repository
from reconciler.engine.execute import Run
from reconciler.errors import PlanError, ReconcilerError
from reconciler.model.journal import Result
from reconciler.model.names import Repository
from reconciler.model.plan import Plan, RepositoryPlan
from reconciler.model.policy import Policy
from reconciler.model.ports import Holder, Registry, State


@dataclass(frozen=True, slots=True)
class ApplyScope:
    """What an apply relies on: who changes which repository, and under which policy today.

    `policy_for` returns None where the policy files of today no longer name a repository. An
    empty `only` stands for all repositories of the plan.
    """

    registry_for: Callable[[Repository], Registry]
    policy_for: Callable[[Repository], Policy | None]
    allowed: Allowances
    only: Set[Repository] = frozenset()
    recall: Recall = remembered
    origin_of: Callable[[Policy], Mapping[str, str]] = lambda _: {}
    """Tells where a policy comes from, for the journal."""


def apply_plan(
    plan: Plan, authority: ApplyScope, state: State, holder: Holder, run: Run
) -> tuple[Applied, ...]:
    """Apply each part of a plan; an error in one repository does not hold back the others.

    A part that is incomplete, or that a guard stops, is left as it is.

    Raises: PlanError, for a plan that restores, since nothing in it may be deleted, for one that
        does not name what is to be applied of it, and where the policies of today are other ones.
    """
    if plan.undoes:
        raise PlanError(f"the plan restores what run {plan.undoes} deleted; it deletes nothing")
    parts = {part.repository: part for part in plan.repositories}
    if absent := sorted(authority.only - parts.keys()):
        raise PlanError(
            f"the plan does not name {', '.join(absent)}",
            hint="`reconciler show` says which repositories it is for.",
        )
    wanted = sorted(authority.only or parts)
    if wanted and not any(_is_governed(one, authority) for one in wanted):
        raise PlanError(
            f"no policy found here names {wanted[0]}, nor any other repository of the plan",
            hint=f"Give --policies the files that it was drawn from: {_drawn_from(plan)}.",
        )
    return tuple(_apply(parts[one], plan, authority, state, holder, run) for one in wanted)


def _apply(
    part: RepositoryPlan,
    plan: Plan,
    authority: ApplyScope,
    state: State,
    holder: Holder,
    run: Run,
) -> Applied:
    if not part.complete or part.stopped:
        return Applied(part)
    if reason := run.halt():
        return Applied(part, stopped=reason)
    try:
        policy = authority.policy_for(part.repository)
        if policy is None:
            reason = "no policy names this repository any more"
            gone = (Dropped(change, Result.SKIPPED_CHANGED, reason) for change in part.changes)
            return Applied(part, dropped=tuple(gone))
        origin = authority.origin_of(policy)
        approved = ApplyRequest(
            planned=part,
            digest=plan.digest,
            drawn=plan.created_at,
            policy=policy,
            allowed=authority.allowed,
            recall=authority.recall,
            origin=origin,
        )
        registry = authority.registry_for(part.repository)
        return apply_repository(approved, registry, state.of(part.repository), holder, run)
    except ReconcilerError as error:
        return Applied(part, error=error)


def _drawn_from(plan: Plan) -> str:
    """Name the policies that a plan was drawn from, as they were typed."""
    return " ".join(plan.policy_paths or [source.path for source in plan.policy]) or "policies"


def _is_governed(repository: Repository, authority: ApplyScope) -> bool:
    """Whether the policies of today say anything of a repository, be it that they contradict."""
    try:
        return authority.policy_for(repository) is not None
    except ReconcilerError:
        return True
