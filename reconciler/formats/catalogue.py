"""The formats of a plan, by their names in `--format`."""

from collections.abc import Callable, Mapping

from reconciler.formats import html_plan, plan_markdown, plan_text, restore_plan
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan, Plan, RestorePlan


def render_json(plan: Plan, view: View) -> str:
    """Write a plan as canonical JSON on one line, with the comparison where there is one."""
    written = plan.to_bytes().decode()
    if view.against is None:
        return written
    # Joined as text, so that the plan keeps the bytes that its digest covers.
    against = view.against.to_bytes().decode()
    return f'{{"against":{against.rstrip()},"plan":{written.rstrip()}}}\n'


FORMATS: Mapping[str, Callable[[DeletionPlan, View], str]] = {
    "text": plan_text.render,
    "json": render_json,
    "markdown": plan_markdown.render,
    "html": html_plan.render,
}

RESTORE_FORMATS: Mapping[str, Callable[[RestorePlan, View], str]] = {
    "text": restore_plan.render,
    "json": render_json,
    "markdown": restore_plan.markdown,
    "html": restore_plan.render_html,
}
"""The formats of a restore plan."""


def render(plan: Plan, name: str, view: View) -> str:
    """Write a plan in the named format."""
    match plan:
        case DeletionPlan():
            return FORMATS[name](plan, view)
        case RestorePlan():
            return RESTORE_FORMATS[name](plan, view)
