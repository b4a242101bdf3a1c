"""The plan as a page to read, search and keep: what goes and why, what stays, what stops it."""

from collections.abc import Iterator
from itertools import chain

from reconciler.formats import sentences
from reconciler.formats.html import against
from reconciler.formats.html.charts import ages, going, staying
from reconciler.formats.html.images import overview, sections
from reconciler.formats.html.notices import notices
from reconciler.formats.html.page import page
from reconciler.formats.html.parts import Figure, Notice
from reconciler.formats.humanise import size
from reconciler.formats.images import expired
from reconciler.formats.view import View
from reconciler.model.plan import Plan


def render(plan: Plan, view: View) -> str:
    """Write a plan as one page: its counts, what hinders it, charts, then a row for each image."""
    lost = {part.repository: list(expired(part)) for part in plan.repositories}
    images = list(chain.from_iterable(lost.values()))
    return page(
        "plan.html.j2",
        title="Retention plan",
        lead=list(_lead(plan, view)),
        figures=list(_figures(plan)),
        notices=[*_against(view), *notices(plan)],
        fates=against.fates(view.against, all_rows=view.all_rows) if view.against else None,
        charts=[chart for chart in (going(images), staying(plan)) if chart.bars],
        ages=ages(images, plan.evaluated_at),
        overview=overview(plan, lost),
        sections=list(sections(plan, lost, view)),
        plan=plan,
    )


def _against(view: View) -> Iterator[Notice]:
    if view.against:
        yield against.notice(view.against)


def _lead(plan: Plan, view: View) -> Iterator[str]:
    yield sentences.times(plan, view)
    if view.cost and plan.summary.delete:
        yield sentences.price(view.cost)


def _figures(plan: Plan) -> Iterator[Figure]:
    summary = plan.summary
    yield Figure(f"{summary.delete:,}", "versions to delete", "goes")
    yield Figure(f"{summary.keep:,}", "versions to keep", "stays")
    yield Figure(f"{summary.protected:,}", "images protected", "stays")
    yield Figure(f"{len(plan.repositories):,}", "repositories")
    if summary.incomplete:
        yield Figure(f"{summary.incomplete:,}", "repositories incomplete", "warns")
    if summary.bytes:
        yield Figure(size(summary.bytes), "of content freed, at most")
