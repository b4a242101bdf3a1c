"""The plan as text, for a terminal or a log: what is deleted and why, and what is kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from reconciler.formats import compare, phrases
from reconciler.formats.images import by_rules, expired
from reconciler.formats.phrases import counted, size
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
from reconciler.model.plan import DeletionPlan, RepositoryPlan

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

    part: RepositoryPlan
    evaluated: datetime
    view: View

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing is deleted, and there is no problem or warning."""
        part = self.part
        return part.complete and not (part.changes or part.stopped or part.warnings or part.missing)

    @property
    def symbols(self) -> set[str]:
        """The symbols that its lines begin with."""
        part = self.part
        used = {
            "-": part.changes,
            "!": part.protected,
            "?": not part.complete or part.stopped,
            ".": part.waiting or part.retained,
        }
        return {symbol for symbol, use in used.items() if use}

    def lines(self) -> Iterator[Text]:
        """Print the repository."""
        yield from self._heading()
        if not self.part.complete:
            text = f"Incomplete: {self.part.error}"
            yield from wrapped(text, self.view, lead="  ", style=STYLES["?"])
            yield from wrapped(self.part.hint, self.view, lead="  ")
            return
        yield from self._stops()
        yield from self._warnings()
        yield from self._images()
        yield from self._counts()

    def _heading(self) -> Iterator[Text]:
        part = self.part
        mark = "" if part.complete and not part.stopped else "? "
        size = phrases.size_text(part) if part.complete else f"policy {part.policy}"
        yield line((mark, STYLES["?"]), (part.repository, "bold"), f"  ({size})")

    def _stops(self) -> Iterator[Text]:
        if not self.part.stopped:
            return
        for guard in self.part.guards:
            if not guard.ok:
                text = f"Stopped by {guard.name}: {phrases.guard_violation(guard)}."
                yield from wrapped(text, self.view, lead="  ", style=STYLES["?"])
        yield line("  To override once, add to the command:")
        # Not broken into lines, so that it can be copied.
        yield line(f"    {phrases.override(self.part)}")

    def _warnings(self) -> Iterator[Text]:
        broken = [f"Already broken: {text}" for text in self.part.missing]
        warnings = [f"Warning: {text}" for text in self.part.warnings]
        texts = [*phrases.no_undo(self.part), *warnings, *broken]
        for text in first_rows(texts, self.view):
            yield from wrapped(text, self.view, lead="  ", style="yellow")
        if len(texts) > len(first_rows(texts, self.view)):
            yield line(f"  ... and {counted(len(texts) - ROWS, 'more warning')}")

    def _images(self) -> Iterator[Text]:
        # What is deleted comes before what is kept, because it is what a reviewer approves.
        for rules, images in by_rules(expired(self.part)).items():
            yield line()
            yield line(f"  {counted(len(images), 'image')} expired by {rules}")
            rows = [expired_row(image, self.evaluated) for image in first_rows(images, self.view)]
            yield from table(rows, self.view, of=len(images))
        for symbol, kept in (("!", self.part.protected), (".", self.part.retained)):
            if kept:
                rows = [kept_row(symbol, image) for image in first_rows(kept, self.view)]
                yield line()
                yield from table(rows, self.view, of=len(kept))

    def _counts(self) -> Iterator[Text]:
        part, view = self.part, self.view
        if part.changes or part.protected or part.retained:
            yield line()
        if part.waiting:
            text = phrases.waiting(part.waiting, part.min_age, view)
            yield from wrapped(text, view, lead="  . ")
        if part.kept:
            yield from wrapped(phrases.kept_counts(part.kept), view, lead="  ")
        if part.unmatched:
            named = first_rows(part.unmatched, view)
            hidden = len(part.unmatched) - len(named)
            families = ", ".join(map(phrases.family, named))
            more = f", and {hidden:,} more" if hidden else ""
            yield from wrapped(f"Tags that no rule matches: {families}{more}.", view, lead="  ")


def render(plan: DeletionPlan, view: View) -> str:
    """Print a plan: repositories that need attention first, the counts last."""
    return printed(_lines(plan, view), view)


def _lines(plan: DeletionPlan, view: View) -> Iterator[Text]:
    parts = sorted(plan.repositories, key=_urgency)
    sections = [RepositorySection(part, plan.evaluated_at, view) for part in parts]
    if view.against:
        yield from compare.lines(view.against, view)
    yield from wrapped(phrases.times(plan, view), view)
    yield from _legend(sections)
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
    yield from _ending(plan, view, hidden=0 if view.all_rows else unchanged - UNCHANGED)


def _urgency(part: RepositoryPlan) -> tuple[bool, bool, bool, str]:
    """Sort incomplete repositories first, then stopped ones, then those with changes."""
    return part.complete, not part.stopped, not part.changes, part.repository


def _legend(sections: list[RepositorySection]) -> Iterator[Text]:
    """Explain the symbols that are used, and no others."""
    used = set().union(*(section.symbols for section in sections))
    parts = [
        part
        for symbol, meaning in _MEANINGS.items()
        if symbol in used
        for part in ((symbol, STYLES[symbol]), f" {meaning}   ")
    ]
    if parts:
        yield line("  ", *parts)


def _ending(plan: DeletionPlan, view: View, *, hidden: int) -> Iterator[Text]:
    # A terminal shows only the end of a long plan, so the reason that blocks it is repeated here.
    summary = plan.summary
    if hidden > 0:
        more = counted(hidden, "more repository", "more repositories")
        yield from wrapped(f"{more} without changes; `reconciler show --all` has them.", view)
    if not (summary.delete or summary.incomplete):
        yield line("No changes.")
    if summary.bytes:
        yield line(f"Up to {size(summary.bytes)} of image content would be freed.")
    if view.cost and summary.delete:
        yield from wrapped(phrases.cost_text(view.cost), view)
    yield from wrapped(phrases.blocked(plan), view, style="bold red")
    yield line(f"Digest: {plan.digest}")
    yield line((f"Plan: {phrases.totals(summary)}.", "bold"))
