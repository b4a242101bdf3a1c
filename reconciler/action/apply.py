"""The step `apply`: delete what a plan lists, and report it as text, Markdown and outputs."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import typer

from reconciler.action.inputs import Inputs
from reconciler.action.plan import make_plan, outputs_of
from reconciler.action.runner import Runner
from reconciler.action.step import Note, StepReport, general_note, notes_on
from reconciler.commands._console import load_plan, save, view
from reconciler.commands._stop import Halt, halting
from reconciler.core.narrow import accepted_limits, check_applicable, require_deletions
from reconciler.core.planner import RaisedLimits
from reconciler.errors import ExitCode, worst
from reconciler.formats import applied as applied_format
from reconciler.formats import catalogue
from reconciler.formats.markdown import code, fenced
from reconciler.formats.phrases import fitting
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan
from reconciler.model.results import Applied, Outcome
from reconciler.session import open_session, place_of_state, utc_now

MAX_TEXT_BYTES = 500_000
"""Longest text of an apply in the step summary, in bytes; half of what GitHub accepts."""

EVERY = 100
"""Versions between two lines of progress in the log."""

NO_STATE = (
    "This run stores its log in the workspace, which is deleted with the job: later runs cannot"
    " read it, and `undo` cannot use it. Set the input `state` to a permanent place."
)


@dataclass
class Progress:
    """Reports the progress of an apply in the log, since an apply can take an hour."""

    total: int
    done: int = 0

    def note(self, _: Outcome) -> None:
        """Count one outcome."""
        self.done += 1
        if self.done % EVERY == 0:
            typer.echo(f"{self.done:,} of {self.total:,} versions.", err=True)


def apply(inputs: Inputs, runner: Runner) -> StepReport:
    """Apply the saved plan, or else a new one.

    Raises: ReconcilerError, before anything was deleted.
    """
    saved: DeletionPlan | None = None
    allowed: RaisedLimits = {}
    if inputs.plan:
        loaded = load_plan(inputs.plan)
        check_applicable(loaded, now=utc_now(), expected=inputs.expect_digest)
        saved = require_deletions(loaded)
        # The digest that was approved covers the raised limits of the plan.
        allowed = accepted_limits(saved, allowed={}, expected=inputs.expect_digest)
    path = inputs.plan or runner.plan_file
    with (
        halting(utc_now, inputs.time_budget) as halt,
        open_session(inputs.files, None, sleep=halt.sleep) as session,
    ):
        approved, display = (saved, view(utc_now())) if saved else make_plan(session)
        if not saved:
            # Saved before anything is deleted, so that the plan is kept even if the step is killed.
            save(path, approved.chunks())
        progress = Progress(approved.summary.delete)
        results = session.apply(approved, allowed=allowed, halt=halt, watching=[progress.note])
        notes = (*notes_on(approved, session.policies), *_notes(results))
    report = _report(approved, results, halt, display, notes)
    return replace(report, outputs={**report.outputs, "plan-path": str(path)})


def _report(
    approved: DeletionPlan,
    results: Sequence[Applied],
    halt: Halt,
    display: View,
    notes: Sequence[Note],
) -> StepReport:
    exit_code = worst([approved.outcome, *(result.exit_code for result in results)])
    text = applied_format.render(results, display)
    # The plan follows in the same summary, so the text may take only its part of the limit.
    kept = fitting(
        text.splitlines(keepends=True), MAX_TEXT_BYTES, lambda count: f"... {count:,} more lines"
    )
    undo = next((result.run for result in results if result.can_be_undone), "")
    restoring = f"To restore what was deleted: {code(f'reconciler undo {undo}')}\n\n"
    summary = (
        f"### Retention applied: {applied_format.totals(results)}\n\n"
        f"{restoring if undo else ''}{fenced(''.join(kept))}\n"
    )
    counts = applied_format.counts(results)
    heads = {str(result.planned.repository): result.head for result in results if result.head}
    outputs = {name: str(counts[name]) for name in ("deleted", "skipped", "retained", "failed")}
    # All repositories of a step are applied by the same run; without deletions there is none.
    outputs["run-id"] = next((result.run for result in results if result.run), "")
    outputs["journal-head"] = json.dumps(heads, sort_keys=True)
    return StepReport(
        code=ExitCode.INTERRUPTED if halt.interrupted else exit_code,
        outputs={**outputs_of(approved), **outputs},
        text=catalogue.render(approved, "text", display) + "\n" + text,
        summary=summary + catalogue.render(approved, "markdown", display),
        notes=notes,
    )


def _notes(results: Sequence[Applied]) -> Iterator[Note]:
    # action.yml passes the input `state` in this variable; a settings file may name another place.
    if not os.environ.get("RECONCILER_STATE") and "://" not in place_of_state(None):
        yield general_note("warning", NO_STATE)
    for result in results:
        if result.error:
            hint = f"\n{result.error.hint}" if result.error.hint else ""
            yield general_note("error", f"{result.planned.repository}: {result.error}{hint}")
