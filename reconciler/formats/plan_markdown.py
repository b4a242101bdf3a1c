"""The plan for a pull request: GitHub's Markdown, bounded in size, safe against hostile names."""

from collections.abc import Iterable, Iterator
from itertools import chain

from reconciler.formats import phrases
from reconciler.formats.compare import shift_groups, summary
from reconciler.formats.markdown import alert, code, details, groups, row
from reconciler.formats.phrases import age, fitting, octets, size
from reconciler.formats.plan_view import PlanView, plan_view
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan

# Counted in bytes, because a text never has more characters than bytes.
MAX_BYTES = 60_000
"""Largest result, in bytes of UTF-8. Source: a comment on GitHub holds 65,536 characters."""

# Two alerts and the table leave room for the heading, the comparison and some groups.
_ALERT_BYTES = 8_000
_TABLE_BYTES = 20_000

_HEAD = (
    row("Repository", "Policy", "Delete", "Keep", "Protected", "Newest to delete", "Size"),
    "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
)


def render(plan: DeletionPlan, view: View) -> str:
    """Write a plan as a comment: counts, warnings, a row for each repository, then the images.

    What does not fit is omitted in this order: the rows of the largest groups, then the smallest
    groups. The counts, the warnings, the table and the digest are never omitted.
    """
    return framed(plan, view, top=verdict(plan), bottom=())


def framed(plan: DeletionPlan, view: View, *, top: Iterable[str], bottom: Iterable[str]) -> str:
    """Write a plan between `top` and `bottom`, all within `MAX_BYTES`."""
    prepared = plan_view(plan)
    compared = [*summary(view.against)] if view.against else []
    before = "\n".join([*top, *compared, *_alerts(prepared, plan), *_table(prepared), ""])
    times = phrases.times_and_cost(plan, view)
    after = "\n".join(["", *times, f"Digest {code(plan.digest)}", *bottom, ""])
    # Only the groups of images are cut: what a reviewer must see is in `before` and `after`.
    room = MAX_BYTES - octets(before) - octets(after)
    shifts = shift_groups(view.against) if view.against else ()
    return before + details(chain(shifts, groups(prepared)), room) + after


def verdict(plan: DeletionPlan) -> Iterator[str]:
    """Write the heading: the counts of the plan."""
    summary = plan.summary
    if summary.delete or summary.incomplete:
        yield f"### Retention plan: {phrases.totals(summary)}"
    else:
        yield f"### Retention plan: no changes, {summary.keep} to keep"
    yield ""


def _alerts(prepared: PlanView, plan: DeletionPlan) -> Iterator[str]:
    """Write what blocks the plan, then the warnings."""
    stops = []
    for unlisted in plan.unlisted:
        stops.append(f"{code(unlisted.pattern)} {phrases.UNLISTED}: {code(unlisted.error)}")
        if unlisted.hint:
            stops.append(f"what to do: {code(unlisted.hint)}")
    for repository in prepared.repositories:
        part, name = repository.part, code(repository.part.repository)
        if not part.complete:
            stops.append(f"{name} is incomplete: {code(part.error)}")
            if part.hint:
                stops.append(f"what to do: {code(part.hint)}")
        stops += [f"{name} {stop.sentence(code)}" for stop in repository.stops]
    displayed = fitting(stops, _ALERT_BYTES, lambda count: f"... and {count:,} more")
    # The sentence that the plan is blocked comes first, where no limit of bytes can drop it.
    yield from alert("CAUTION", filter(None, [prepared.blocked, *displayed]))
    warnings = [f"{code(name)}: {code(text)}" for name, text in prepared.warnings]
    yield from alert(
        "WARNING", fitting(warnings, _ALERT_BYTES, lambda count: f"... and {count:,} more")
    )


def _table(prepared: PlanView) -> Iterator[str]:
    """Write one row for each repository, most deletions first."""
    yield from _HEAD
    rows = [
        row(
            code(repository.part.repository),
            code(repository.part.policy),
            f"{repository.deleted:,}" if repository.part.complete else "incomplete",
            f"{repository.kept:,}",
            f"{len(repository.part.protected):,}",
            age(repository.newest) if repository.newest is not None else "",
            size(repository.size) if repository.size else "",
        )
        for repository in prepared.most_deletions_first
    ]
    yield from fitting(rows, _TABLE_BYTES, lambda count: row(f"... and {count:,} more"))
