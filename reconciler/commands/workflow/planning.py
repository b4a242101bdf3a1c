"""The step `plan`: what would go, as text, Markdown, outputs and a file."""

from collections.abc import Iterator
from pathlib import Path

from reconciler.api import LASTS
from reconciler.commands.halting import halting
from reconciler.commands.output import save, view
from reconciler.commands.workflow.inputs import Inputs
from reconciler.commands.workflow.report import Note, Report
from reconciler.errors import ExitCode
from reconciler.formats import catalogue, sentences
from reconciler.formats.view import View
from reconciler.model.plan import Plan, RepositoryPlan
from reconciler.model.problems import Problem
from reconciler.policyfile import PolicySet, remarks_on
from reconciler.session import Session, open_session, utc_now


def plan(inputs: Inputs, path: Path) -> Report:
    """Plan, save the plan, and report it; that there are changes is no failure unless asked for.

    Raises: ReconcilerError, when there is nothing to report.
    """
    with (
        halting(utc_now, inputs.time_budget) as halt,
        open_session(inputs.files, None, sleep=halt.sleep) as session,
    ):
        drawn, seen = draw(session)
        notes = tuple(notes_on(drawn, session.policies))
    save(path, drawn.to_bytes())
    code = drawn.outcome
    if code is ExitCode.OK and inputs.fail_on_changes and drawn.summary.delete:
        code = ExitCode.CHANGES
    return Report(
        code=code,
        outputs={**outputs_of(drawn), "plan-path": str(path)},
        text=catalogue.render(drawn, "text", seen),
        summary=catalogue.render(drawn, "markdown", seen),
        notes=notes,
    )


def draw(session: Session) -> tuple[Plan, View]:
    """Draw a plan, and describe who will read it and what applying it takes."""
    drawn = session.plan(lasts=LASTS)
    cost = session.cost(drawn) if drawn.summary.delete else None
    return drawn, view(utc_now(), cost=cost)


def outputs_of(drawn: Plan) -> dict[str, str]:
    """Return what later steps may want to know of a plan."""
    count = drawn.summary.delete
    return {
        "changes": "true" if count else "false",
        "to-delete": str(count),
        "plan-digest": drawn.digest,
    }


def notes_on(drawn: Plan, policies: PolicySet) -> Iterator[Note]:
    """Yield what stops a plan, beside the policy it concerns, and remarks on futile rules."""
    for part in drawn.repositories:
        yield from (Note("error", _at(policies, part, text)) for text in _obstacles(part))
    yield from (Note("warning", problem) for problem in remarks_on(policies))


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
