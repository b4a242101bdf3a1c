"""The plan for a pull request: GitHub's Markdown, bounded in size, safe against hostile names."""

from collections.abc import Iterable, Iterator
from itertools import chain

from reconciler.formats import phrases
from reconciler.formats.compare import shift_groups, summary
from reconciler.formats.images import expired
from reconciler.formats.markdown import alert, code, details, groups, row
from reconciler.formats.phrases import age, fitting, octets, size
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan, RepositoryPlan

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
    compared = [*summary(view.against)] if view.against else []
    before = "\n".join([*top, *compared, *_alerts(plan), *_table(plan), ""])
    times = phrases.times_and_cost(plan, view)
    after = "\n".join(["", *times, f"Digest {code(plan.digest)}", *bottom, ""])
    # Only the groups of images are cut: what a reviewer must see is in `before` and `after`.
    room = MAX_BYTES - octets(before) - octets(after)
    shifts = shift_groups(view.against) if view.against else ()
    return before + details(chain(shifts, groups(plan)), room) + after


def verdict(plan: DeletionPlan) -> Iterator[str]:
    """Write the heading: the counts of the plan."""
    summary = plan.summary
    if summary.delete or summary.incomplete:
        yield f"### Retention plan: {phrases.totals(summary)}"
    else:
        yield f"### Retention plan: no changes, {summary.keep} to keep"
    yield ""


def _alerts(plan: DeletionPlan) -> Iterator[str]:
    """Write what blocks the plan, then the warnings."""
    parts = plan.repositories
    stops = []
    for unlisted in plan.unlisted:
        stops.append(f"{code(unlisted.pattern)} {phrases.UNLISTED}: {code(unlisted.error)}")
        if unlisted.hint:
            stops.append(f"what to do: {code(unlisted.hint)}")
    stops += [text for part in parts for text in _stops(part)]
    displayed = fitting(stops, _ALERT_BYTES, lambda count: f"... and {count:,} more")
    yield from alert("CAUTION", filter(None, [phrases.blocked(plan), *displayed]))
    warnings = [
        f"{code(part.repository)}: {code(text)}"
        for part in parts
        for text in phrases.warnings(part)
    ]
    yield from alert(
        "WARNING", fitting(warnings, _ALERT_BYTES, lambda count: f"... and {count:,} more")
    )


def _stops(part: RepositoryPlan) -> Iterator[str]:
    name = code(part.repository)
    if not part.complete:
        yield f"{name} is incomplete: {code(part.error)}"
        if part.hint:
            yield f"what to do: {code(part.hint)}"
    for guard in part.guards:
        if not guard.ok:
            yield (
                f"{name} is stopped by {code(guard.name)}: {phrases.guard_violation(guard)}."
                f" To override once, plan with {code(guard.override)}"
            )


def _table(plan: DeletionPlan) -> Iterator[str]:
    """Write one row for each repository, most deletions first."""
    yield from _HEAD
    parts = sorted(plan.repositories, key=lambda part: (-len(part.changes), part.repository))
    rows = [_summed(part, plan) for part in parts]
    yield from fitting(rows, _TABLE_BYTES, lambda count: row(f"... and {count:,} more"))


def _summed(part: RepositoryPlan, plan: DeletionPlan) -> str:
    ages = [known for image in expired(part) if (known := image.age(plan.evaluated_at)) is not None]
    weight = sum(change.observed.size for change in part.changes)
    deleted, kept = len(part.changes), part.versions - len(part.changes)
    return row(
        code(part.repository),
        code(part.policy),
        f"{deleted:,}" if part.complete else "incomplete",
        f"{kept:,}",
        f"{len(part.protected):,}",
        age(min(ages)) if ages else "",
        size(weight) if weight else "",
    )
