"""The formats of a plan, by the name that `--format` gives them."""

from collections.abc import Callable, Mapping

from reconciler.formats import html_plan, plan_markdown, plan_text, restore_plan
from reconciler.formats import restore_plan as html_restoring
from reconciler.formats.view import View
from reconciler.model.plan import Plan

Render = Callable[[Plan, View], str]


def render_json(plan: Plan, view: View) -> str:
    """Write a plan as canonical JSON, on one line; beside it, what other policies would change."""
    written = plan.to_bytes().decode()
    if view.against is None:
        return written
    against = view.against.to_bytes().decode()
    return f'{{"against":{against.rstrip()},"plan":{written.rstrip()}}}\n'


FORMATS: Mapping[str, Render] = {
    "text": plan_text.render,
    "json": render_json,
    "markdown": plan_markdown.render,
    "html": html_plan.render,
}

RESTORE_FORMATS: Mapping[str, Render] = {
    "text": restore_plan.render,
    "json": render_json,
    "markdown": restore_plan.markdown,
    "html": html_restoring.render_html,
}
"""The same for a plan that restores, which has words of its own."""


def render(plan: Plan, name: str, view: View) -> str:
    """Write a plan in the format of that name."""
    return (RESTORE_FORMATS if plan.undoes else FORMATS)[name](plan, view)
