"""The plan for people, on a terminal or in a log: what goes and why, what stops it, what stays."""

from collections.abc import Iterator

from rich.text import Text

from reconciler.formats import against, sentences
from reconciler.formats.humanise import counted, size
from reconciler.formats.paper import line, printed, wrapped
from reconciler.formats.repository import RepositorySection
from reconciler.formats.rows import STYLES
from reconciler.formats.view import View
from reconciler.model.plan import Plan, RepositoryPlan

UNCHANGED = 5
"""Repositories without changes that are shown unless all are asked for."""

_MEANINGS = {
    "-": "delete",
    "!": "protected",
    "?": "incomplete or stopped",
    ".": "waits or is retained",
}


def render(plan: Plan, view: View) -> str:
    """Print a plan, the repositories that need attention first and the counts last."""
    return printed(_lines(plan, view), view)


def _lines(plan: Plan, view: View) -> Iterator[Text]:
    parts = sorted(plan.repositories, key=_urgency)
    sections = [RepositorySection(part, plan.evaluated_at, view) for part in parts]
    if view.against:
        yield from against.lines(view.against, view)
    yield from wrapped(sentences.times(plan, view), view)
    yield from _legend(sections)
    for one in plan.unlisted:
        text = f"? {one.pattern} (policy {one.policy}) {sentences.unlisted(one)}"
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
    """Sort by what a reader must know first."""
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


def _ending(plan: Plan, view: View, *, hidden: int) -> Iterator[Text]:
    # The end is what a terminal still shows of a long plan, so what hinders it is said again.
    summary = plan.summary
    if hidden > 0:
        more = counted(hidden, "more repository", "more repositories")
        yield from wrapped(f"{more} without changes; `reconciler show --all` has them.", view)
    if not (summary.delete or summary.incomplete):
        yield line("No changes.")
    if summary.bytes:
        yield line(f"Up to {size(summary.bytes)} of image content would be freed.")
    if view.cost and summary.delete:
        yield from wrapped(sentences.price(view.cost), view)
    yield from wrapped(sentences.hindrance(plan), view, style="bold red")
    yield line(f"Digest: {plan.digest}")
    yield line((f"Plan: {sentences.totals(summary)}.", "bold"))
