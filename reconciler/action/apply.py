"""The step `apply`: what was deleted, as text, Markdown and outputs."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import typer

from reconciler.action.inputs import Inputs
from reconciler.action.plan import draw, outputs_of
from reconciler.action.runner import Runner
from reconciler.action.step import Note, StepReport, general_note, notes_on
from reconciler.commands._console import load_plan, save, view
from reconciler.commands._stop import Halt, halting
from reconciler.core.narrow import accepted_limits, check_applicable
from reconciler.core.planner import RaisedLimits
from reconciler.errors import ExitCode, worst
from reconciler.formats import applied as applied_format
from reconciler.formats import catalogue
from reconciler.formats.markdown import code, fenced
from reconciler.formats.phrases import fitting
from reconciler.formats.view import View
from reconciler.model.plan import Plan
from reconciler.model.results import Applied, Outcome
from reconciler.session import open_session, utc_now

MAX_TEXT_BYTES = 500_000
"""Most of the text of an apply that goes to the page of the run, in bytes."""

EVERY = 100
"""Versions between two words about how far it is."""

NO_STATE = (
    "This run keeps its log in the workspace, which ends with the job: the next run knows nothing"
    " of it, and `undo` has nothing to go by. Set the input `state` to a place that stays."
)


@dataclass
class Progress:
    """Says now and then in the log how far an apply is, which may take an hour."""

    total: int
    heard: int = 0

    def note(self, _: Outcome) -> None:
        """Count one outcome."""
        self.heard += 1
        if self.heard % EVERY == 0:
            typer.echo(f"{self.heard:,} of {self.total:,} versions.", err=True)


def apply(inputs: Inputs, runner: Runner) -> StepReport:
    """Delete what the saved plan, or else a fresh one, names and may still go.

    Raises: ReconcilerError, when there is nothing to report; nothing was deleted then.
    """
    saved = load_plan(inputs.plan) if inputs.plan else None
    allowed = _accepted(saved, inputs.expect_digest) if saved else {}
    path = inputs.plan or runner.plan_file
    with (
        halting(utc_now, inputs.time_budget) as halt,
        open_session(inputs.files, None, sleep=halt.sleep) as session,
    ):
        approved, seen = (saved, view(utc_now())) if saved else draw(session)
        if not saved:
            save(path, approved.to_bytes())
        progress = Progress(approved.summary.delete)
        done = session.apply(approved, allowed=allowed, halt=halt, watching=[progress.note])
        notes = (*notes_on(approved, session.policies), *_notes(done))
    report = _report(approved, done, halt, seen, notes)
    return replace(report, outputs={**report.outputs, "plan-path": str(path)})


def _accepted(saved: Plan, expected: str) -> RaisedLimits:
    """Check a saved plan, and return the limits that go with the digest that was approved."""
    check_applicable(saved, now=utc_now(), expected=expected)
    return accepted_limits(saved, allowed={}, expected=expected)


def _report(
    approved: Plan, done: Sequence[Applied], halt: Halt, seen: View, notes: Sequence[Note]
) -> StepReport:
    ended = worst([approved.outcome, *(one.exit_code for one in done)])
    text = applied_format.render(done, seen)
    return StepReport(
        code=ExitCode.INTERRUPTED if halt.interrupted else ended,
        outputs={**outputs_of(approved), **_outputs(done)},
        text=catalogue.render(approved, "text", seen) + "\n" + text,
        summary=_summary(done, text) + catalogue.render(approved, "markdown", seen),
        notes=notes,
    )


def _outputs(done: Sequence[Applied]) -> dict[str, str]:
    counts = applied_format.counts(done)
    heads = {str(one.planned.repository): one.head for one in done if one.head}
    named = {name: str(counts[name]) for name in ("deleted", "skipped", "retained", "failed")}
    runs = (one.run for one in done if one.run)
    return {**named, "run-id": next(runs, ""), "journal-head": json.dumps(heads, sort_keys=True)}


def _summary(done: Sequence[Applied], text: str) -> str:
    kept = fitting(
        text.splitlines(keepends=True), MAX_TEXT_BYTES, lambda count: f"... {count:,} more lines"
    )
    undo = next((one.run for one in done if one.can_be_undone), "")
    takes_back = f"To restore what was deleted: {code(f'reconciler undo {undo}')}\n\n"
    return (
        f"### Retention applied: {applied_format.totals(done)}\n\n"
        f"{takes_back if undo else ''}{fenced(''.join(kept))}\n"
    )


def _notes(done: Sequence[Applied]) -> Iterator[Note]:
    if not os.environ.get("RECONCILER_STATE"):
        yield general_note("warning", NO_STATE)
    for one in done:
        if one.error:
            hint = f"\n{one.error.hint}" if one.error.hint else ""
            yield general_note("error", f"{one.planned.repository}: {one.error}{hint}")
