"""The report of a step: text, summary, outputs, and annotations at lines of policy files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import typer

from reconciler.commands._console import error_text
from reconciler.errors import ExitCode, ReconcilerError
from reconciler.formats.markdown import alert, code
from reconciler.formats.plan_view import guard_stops
from reconciler.formats.problems import as_github
from reconciler.model.language import PolicyProblems, Problem
from reconciler.model.plan import DeletionPlan
from reconciler.policyfile import PolicySet, remarks_on

MOST_NOTES = 10
"""Annotations of one level that GitHub shows for a step; it silently drops the others."""

REASONS = {
    ExitCode.OK: "",
    ExitCode.INTERNAL: "internal-error",
    ExitCode.CHANGES: "changes",
    ExitCode.SAFETY_STOP: "guard",
    ExitCode.PLAN_REJECTED: "plan-rejected",
    ExitCode.LOCKED: "state-locked",
    ExitCode.EVIDENCE_INCOMPLETE: "evidence-incomplete",
    ExitCode.PARTIAL: "partial",
    ExitCode.STATE_BROKEN: "state-broken",
    ExitCode.USAGE: "usage",
    ExitCode.ACCESS: "access",
    ExitCode.BAD_POLICY: "bad-policy",
    ExitCode.INTERRUPTED: "interrupted",
}
"""The output `failure-reason` by exit code. Stable: later steps compare it."""

Level = Literal["error", "warning", "notice"]


class Note(NamedTuple):
    """One annotation, at a line of a file or of the whole run."""

    level: Level
    problem: Problem


@dataclass(frozen=True)
class StepReport:
    """How a step ended, and what it reports. Shape: `summary` is Markdown, `text` is plain."""

    code: ExitCode = ExitCode.OK
    outputs: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    summary: str = ""
    notes: Sequence[Note] = ()

    @property
    def all_outputs(self) -> Mapping[str, str]:
        """The outputs, with the output `failure-reason`."""
        return {**self.outputs, "failure-reason": REASONS[self.code]}

    def annotations(self) -> Iterator[str]:
        """Yield the workflow commands for the first notes of each level."""
        for level in ("error", "warning", "notice"):
            problems = [note.problem for note in self.notes if note.level == level]
            yield as_github(problems[:MOST_NOTES], level=level)


def general_note(level: Level, text: str) -> Note:
    """Make a note about the whole run."""
    return Note(level, Problem("", 0, 0, "Reconciler", text))


def of_error(error: ReconcilerError) -> StepReport:
    """Report an error that ended the step."""
    if isinstance(error, PolicyProblems):
        notes = [Note("error", problem) for problem in error.problems]
    else:
        notes = [general_note("error", f"{error}\n{error.hint}" if error.hint else str(error))]
    messages = [code(str(note.problem)) for note in notes]
    # Problems quote policy files, which may come from a pull request: as code they are inert.
    box = alert("CAUTION", messages[:MOST_NOTES])
    return StepReport(
        code=error.exit_code,
        text=f"Error: {error}\n{error.hint}\n",
        summary="\n".join(["### Reconciler stopped", "", *box, ""]),
        notes=notes,
    )


def failed(
    error: ReconcilerError | typer.BadParameter, outputs: Mapping[str, str] | None = None
) -> StepReport:
    """Report an error of a step, with an empty summary."""
    text = text_of(error)
    return StepReport(
        code=ExitCode.USAGE if isinstance(error, typer.BadParameter) else error.exit_code,
        outputs=outputs or {},
        text=f"Error: {text}\n",
        notes=[general_note("error", text)],
    )


def text_of(error: ReconcilerError | typer.BadParameter) -> str:
    """Return the text of an error, as the command line prints it."""
    return error.format_message() if isinstance(error, typer.BadParameter) else error_text(error)


def notes_on(plan: DeletionPlan, policies: PolicySet) -> tuple[Note, ...]:
    """Note at each policy what stops its plan, and remark on rules that are probably wrong."""
    obstacles = []
    for part in plan.repositories:
        texts = [f"{part.repository} {stop.sentence()}" for stop in guard_stops(part)]
        if not part.complete:
            reason = "\n".join(filter(None, [part.error, part.hint]))
            texts.insert(0, f"{part.repository}: {reason}")
        for text in texts:
            origin = policies.origins[part.policy, ""]
            problem = Problem(*origin, f"policy {part.policy}", text)
            obstacles.append(Note("error", problem))
    return (*obstacles, *(Note("warning", problem) for problem in remarks_on(policies)))
