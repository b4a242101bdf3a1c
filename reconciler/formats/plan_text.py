"""The plan as text, for a terminal or a log: what is deleted and why, and what is kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from reconciler.formats import compare, phrases
from reconciler.formats.images import by_rules
from reconciler.formats.phrases import counted, size
from reconciler.formats.plan_view import (
    PlanView,
    RepositoryView,
    no_undo,
    plan_view,
    raised_guards,
)
from reconciler.formats.terminal import (
    ROWS,
    STYLES,
    expired_row,
    first_rows,
    kept_row,
    line,
    printed,
    table,
    wrapped,
)
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan

UNCHANGED = 5
"""Repositories without changes that are printed without `--all`."""

_MEANINGS = {
    "-": "delete",
    "!": "protected",
    "?": "incomplete or stopped",
    ".": "too young or retained",
}


@dataclass(frozen=True, slots=True)
class RepositorySection:
    """The section of one repository: what stops it, what is deleted, and what is kept."""

    prepared: RepositoryView
    evaluated: datetime
    view: View

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing is deleted, and there is no problem or warning."""
        part = self.prepared.part
        return part.complete and not (part.changes or part.stopped or part.warnings or part.missing)

    @property
    def symbols(self) -> set[str]:
        """The symbols that its lines begin with."""
        part = self.prepared.part
        used = {
            "-": part.changes,
            "!": part.protected,
            "?": not part.complete or part.stopped,
            ".": part.waiting or part.retained,
        }
        return {symbol for symbol, use in used.items() if use}

    def lines(self) -> Iterator[Text]:
        """Print the repository."""
        part = self.prepared.part
        mark = "" if part.complete and not part.stopped else "? "
        size = phrases.size_text(part) if part.complete else f"policy {part.policy}"
        yield line((mark, STYLES["?"]), (part.repository, "bold"), f"  ({size})")
        if not part.complete:
            text = f"Incomplete: {part.error}"
            yield from wrapped(text, self.view, lead="  ", style=STYLES["?"])
            yield from wrapped(part.hint, self.view, lead="  ")
            # An incomplete plan has no changes and no counts that could be trusted.
            return
        stops = self.prepared.stops
        for stop in stops:
            text = f"Stopped by {stop.guard}: {stop.violation}."
            yield from wrapped(text, self.view, lead="  ", style=STYLES["?"])
        if stops:
            yield line("  To override once, add to the command:")
            # Not broken into lines, so that it can be copied.
            yield line(f"    {' '.join(stop.override for stop in stops)}")
        broken = [f"Already broken: {text}" for text in part.missing]
        warnings = [f"Warning: {text}" for text in part.warnings]
        raised = [f"Raised limit: {text}." for text in raised_guards(part)]
        texts = [*no_undo(part), *raised, *warnings, *broken]
        for text in first_rows(texts, self.view):
            yield from wrapped(text, self.view, lead="  ", style="yellow")
        if len(texts) > len(first_rows(texts, self.view)):
            yield line(f"  ... and {counted(len(texts) - ROWS, 'more warning')}")
        yield from self._images()
        yield from self._counts()

    def _images(self) -> Iterator[Text]:
        # What is deleted comes before what is kept, because it is what a reviewer approves.
        for rules, images in by_rules(self.prepared.images).items():
            yield line()
            yield line(f"  {counted(len(images), 'image')} expired by {rules}")
            rows = [expired_row(image, self.evaluated) for image in first_rows(images, self.view)]
            yield from table(rows, self.view, of=len(images))
        part = self.prepared.part
        for symbol, kept in (("!", part.protected), (".", part.retained)):
            if kept:
                rows = [kept_row(symbol, image) for image in first_rows(kept, self.view)]
                yield line()
                yield from table(rows, self.view, of=len(kept))

    def _counts(self) -> Iterator[Text]:
        part, view = self.prepared.part, self.view
        # Tables were printed: an empty line keeps the counts from looking like their last row.
        if part.changes or part.protected or part.retained:
            yield line()
        if part.waiting:
            text = phrases.waiting(part.waiting, part.min_age, view)
            yield from wrapped(text, view, lead="  . ")
        if part.kept:
            yield from wrapped(phrases.kept_counts(part.kept, len(part.protected)), view, lead="  ")
        if part.unmatched:
            named = first_rows(part.unmatched, view)
            hidden = len(part.unmatched) - len(named)
            families = ", ".join(map(phrases.family, named))
            more = f", and {hidden:,} more" if hidden else ""
            yield from wrapped(f"Tags that no rule matches: {families}{more}.", view, lead="  ")


def render(plan: DeletionPlan, view: View) -> str:
    """Print a plan: repositories that need attention first, the counts last."""
    return printed(_lines(plan_view(plan), plan, view), view)


def _lines(prepared: PlanView, plan: DeletionPlan, view: View) -> Iterator[Text]:
    urgent_first = sorted(prepared.repositories, key=_urgency)
    sections = [RepositorySection(part, plan.evaluated_at, view) for part in urgent_first]
    if view.against:
        yield from compare.lines(view.against, view)
    yield from wrapped(phrases.times(plan, view), view)
    # The legend explains the symbols that are used, and no others.
    used = set().union(*(section.symbols for section in sections))
    legend = [
        part
        for symbol, meaning in _MEANINGS.items()
        if symbol in used
        for part in ((symbol, STYLES[symbol]), f" {meaning}   ")
    ]
    if legend:
        yield line("  ", *legend)
    for unlisted in plan.unlisted:
        text = f"? {unlisted.pattern} (policy {unlisted.policy}) {phrases.unlisted(unlisted)}"
        yield from wrapped(text, view, style=STYLES["?"])
    unchanged = 0
    for section in sections:
        unchanged += section.is_unchanged
        if view.all_rows or unchanged <= UNCHANGED:
            yield line()
            yield from section.lines()
    yield line()
    hidden = 0 if view.all_rows else unchanged - UNCHANGED
    if hidden > 0:
        more = counted(hidden, "more repository", "more repositories")
        yield from wrapped(f"{more} without changes; `reconciler plan --all` has them.", view)
    yield from _ending(prepared, plan, view)


def _urgency(prepared: RepositoryView) -> tuple[bool, bool, bool, str]:
    """Sort incomplete repositories first, then stopped ones, then those with changes."""
    part = prepared.part
    return part.complete, not part.stopped, not part.changes, part.repository


def _ending(prepared: PlanView, plan: DeletionPlan, view: View) -> Iterator[Text]:
    # A terminal shows only the end of a long plan, so the reason that blocks it is repeated here.
    summary = plan.summary
    if not (summary.delete or summary.incomplete):
        yield line("No changes.")
    if summary.bytes:
        yield line(f"Up to {size(summary.bytes)} of image content would be freed.")
    if view.cost and summary.delete:
        yield from wrapped(phrases.cost_text(view.cost), view)
    yield from wrapped(prepared.blocked, view, style="bold red")
    if summary.delete:
        yield from wrapped(phrases.units(plan), view)
    yield line(f"Digest: {plan.digest}")
    yield line((f"Plan: {phrases.totals(summary)}.", "bold"))
