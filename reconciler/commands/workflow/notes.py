"""What a plan has to say beside the lines of policy files."""

from collections.abc import Iterator

from reconciler.commands.workflow.report import Note
from reconciler.formats import sentences
from reconciler.model.plan import Plan, RepositoryPlan
from reconciler.model.problems import Problem
from reconciler.policyfile import PolicySet, remarks_on


def notes_on(drawn: Plan, policies: PolicySet) -> tuple[Note, ...]:
    """Say what stops a plan, beside the policy it concerns, and remark on futile rules."""
    obstacles = (
        Note("error", _at(policies, part, text))
        for part in drawn.repositories
        for text in _obstacles(part)
    )
    return (*obstacles, *(Note("warning", problem) for problem in remarks_on(policies)))


def _obstacles(part: RepositoryPlan) -> Iterator[str]:
    if not part.complete:
        yield "\n".join(filter(None, [f"{part.repository}: {part.error}", part.hint]))
    for guard in part.guards:
        if not guard.ok:
            yield (
                f"{part.repository}: {guard.name}: {sentences.stops(guard)}."
                f" To let it pass once, plan with {guard.override}"
            )


def _at(policies: PolicySet, part: RepositoryPlan, text: str) -> Problem:
    origin = policies.origins[part.policy, ""]
    return Problem(origin.path, origin.line, origin.column, f"policy {part.policy}", text)
