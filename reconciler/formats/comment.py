"""The comment on a pull request: the current plan, or the result of applying it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from reconciler.core.history import attempts
from reconciler.formats.log import Journals, RunSummary, summaries
from reconciler.formats.markdown import code
from reconciler.formats.phrases import distance, moment, totals
from reconciler.formats.plan_markdown import framed, verdict
from reconciler.formats.view import View
from reconciler.model.base import Frozen, canonical
from reconciler.model.names import Digest
from reconciler.model.plan import DeletionPlan, Summary

_OPENING, _CLOSING = "<!-- reconciler:plan ", " -->"
# Everyone with write access can edit a comment, so the JSON to parse is bounded.
_MAX_MARKER = 1_000
"""Longest first line that is parsed as a marker, in characters."""


class Marker(Frozen):
    """The hidden first line of a comment: the digest and the counts of its plan.

    Nothing is decided by it, because everyone with write access can change it.
    """

    v: Literal[1] = 1
    plan: Digest
    summary: Summary

    def __str__(self) -> str:
        """Write it as an HTML comment, which GitHub hides; no text in it can end the comment."""
        return f"{_OPENING}{canonical(self.model_dump(mode='json')).decode()}{_CLOSING}"


@dataclass(frozen=True, slots=True)
class AppliedRun:
    """The run that applied a plan, as the journals record it.

    Shape: `undo_until` is when the first of its deletions can no longer be undone, None where
        none of them can.
    """

    summary: RunSummary
    undo_until: datetime | None


@dataclass(frozen=True, slots=True)
class Posting:
    """What a comment has besides the plan: its earlier text, a link, the run that applied it."""

    before: str = ""
    link: str = ""
    applied: AppliedRun | None = None


def is_ours(body: str) -> bool:
    """Whether a comment begins with our marker."""
    return body.startswith(_OPENING)


def render(plan: DeletionPlan, view: View, posting: Posting) -> str:
    """Write the comment: marker, result or verdict, the superseded plan, the plan."""
    marker = Marker(plan=Digest(plan.digest), summary=plan.summary)
    # The marker is the first line: GitHub lists comments with their text, and only the text that
    # begins with it is ours to update.
    top = [str(marker), *_heading(plan, view, posting.applied)]
    superseded = _marker_of(posting.before)
    # Only numbers and a valid digest are repeated, so an edited marker cannot add text.
    if superseded and superseded.plan != plan.digest:
        counts = f"~~Retention plan: {totals(superseded.summary)}~~"
        top += [f"{counts} (superseded: {code(superseded.plan.short)})", ""]
    link = [f"[The full plan](<{posting.link}>)"] if posting.link else []
    return framed(plan, view, top=top, bottom=link)


def applied_run(journals: Journals, run: str) -> AppliedRun | None:
    """Find a run in the journals, and how long its deletions can be undone."""
    summary = next((candidate for candidate in summaries(journals) if candidate.run == run), None)
    if summary is None:
        return None
    deletions = (
        candidate
        for records in journals.values()
        for candidate in attempts(records)
        if candidate.run == run
    )
    ends = (candidate.until for candidate in deletions if candidate.is_standing)
    # The first period that ends counts: after it the run cannot be undone completely.
    return AppliedRun(summary, min((end for end in ends if end), default=None))


def _heading(plan: DeletionPlan, view: View, applied: AppliedRun | None) -> Iterator[str]:
    if applied is None:
        yield from verdict(plan)
        return
    yield f"### Applied by run {code(applied.summary.run)}: {applied.summary.counts_text}"
    yield ""
    if applied.summary.end != "done":
        yield f"The run stopped early: {code(applied.summary.end)}. The next run continues."
        yield ""
    if applied.undo_until is None:
        yield "Its deletions cannot be undone."
    else:
        end = f"{moment(applied.undo_until)} ({distance(applied.undo_until, view.now)})"
        if applied.undo_until <= view.now:
            yield f"Its deletions could be undone until {end}."
        else:
            yield f"Undo with {code(f'reconciler undo {applied.summary.run}')} until {end}."
    yield ""
    yield f"~~Retention plan: {totals(plan.summary)}~~"
    yield ""


def _marker_of(body: str) -> Marker | None:
    line = body.partition("\n")[0].rstrip("\r")
    inner = line.removeprefix(_OPENING).removesuffix(_CLOSING)
    # Anyone with write access may have edited the comment: what is not our marker is ignored.
    if not is_ours(line) or len(line) > _MAX_MARKER:
        return None
    try:
        return Marker.model_validate(json.loads(inner))
    except (ValidationError, ValueError, RecursionError):
        return None
