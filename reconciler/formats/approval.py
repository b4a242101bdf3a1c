"""What a saved plan will do, in a few lines: printed before somebody is asked to agree to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from rich.text import Text

from reconciler.formats.images import by_rules, expired, newest_first
from reconciler.formats.phrases import age, counted, distance, moment
from reconciler.formats.plan_view import raised_guards
from reconciler.formats.terminal import first_rows, line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.journal import OutcomeBody, Record, ResolveBody, Result
from reconciler.model.plan import DeletionPlan, RepositoryPlan


@dataclass(frozen=True, slots=True)
class Question:
    """The part of a plan that somebody is asked about, and what the state says of it since.

    Shape: `records` are those of its journal after the plan; `undo_for` is how long the registry
        can restore a version, None where it cannot.
    """

    part: RepositoryPlan
    records: Sequence[Record] = ()
    undo_for: timedelta | None = None

    @property
    def since(self) -> str:
        """What runs did to the planned versions since the plan was made."""
        planned = {change.digest for change in self.part.changes}
        bodies = (record.content for record in self.records)
        gone = {
            body.digest
            for body in bodies
            if isinstance(body, OutcomeBody | ResolveBody) and body.result is Result.DELETED
        }
        runs = {record.run for record in self.records}
        if not runs:
            return "no run since the plan"
        deleted = len(planned & gone)
        return (
            f"{counted(len(runs), 'run')} since the plan, which deleted {deleted:,} of these"
            f" {counted(len(planned), 'version')}; {len(planned) - deleted:,} remain"
        )


def render(plan: DeletionPlan, questions: Sequence[Question], view: View) -> str:
    """Print what a plan deletes in each repository, most versions first."""
    return printed(_lines(plan, questions, view), view)


def _lines(plan: DeletionPlan, questions: Sequence[Question], view: View) -> Iterator[Text]:
    files = ", ".join(source.path for source in plan.policy)
    yield from wrapped(
        f"Plan of {moment(plan.created_at)} ({distance(plan.created_at, view.now)}), by {files}.",
        view,
    )
    largest_first = sorted(questions, key=lambda each: -len(each.part.changes))
    printed_rows = first_rows(largest_first, view)
    for question in printed_rows:
        yield line((question.part.repository, "bold"))
        for text in _texts(question, plan, view):
            yield from wrapped(text, view, lead="  ")
    if hidden := len(questions) - len(printed_rows):
        yield line(f"... and {counted(hidden, 'more repository', 'more repositories')}")


def _texts(question: Question, plan: DeletionPlan, view: View) -> Iterator[str]:
    part = question.part
    images = newest_first(expired(part))
    kept = counted(part.versions - len(part.changes), "version")
    yield (
        f"Deletes {len(part.changes):,} of {counted(part.versions, 'version')}"
        f" ({part.images_deleted:,} of {counted(part.images, 'image')}); {kept} kept."
    )
    groups = by_rules(images).items()
    yield ", ".join(f"{counted(len(group), 'image')} by {rules}" for rules, group in groups) + "."
    known = images[0].age(plan.evaluated_at)
    old = f"{age(known)} old" if known is not None else "of unknown age"
    undo = "no undo"
    if part.undo and question.undo_for:
        undo = f"undo until {moment(view.now + question.undo_for)}"
    yield f"Newest: {images[0].name}, {old}; {undo}."
    yield from (f"Raised limit: {text}." for text in raised_guards(part))
    yield f"In the state: {question.since}."
