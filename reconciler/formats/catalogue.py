"""The formats of a plan, by their names in `--format`."""

from collections.abc import Callable, Iterator, Mapping

from reconciler.formats import html_plan, plan_markdown, plan_text, restore_plan
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan, Plan, RestorePlan


def render_json(plan: Plan, view: View) -> str:
    """Write a plan as canonical JSON on one line, with the comparison where there is one."""
    return "".join(_json_pieces(plan, view))


def _json_pieces(plan: Plan, view: View) -> Iterator[str]:
    written = (chunk.decode() for chunk in plan.chunks())
    if view.against is None:
        yield from written
        return
    # Joined as text, so that the plan keeps the bytes that its digest covers.
    yield f'{{"against":{view.against.to_bytes().decode().rstrip()},"plan":'
    yield from (text.rstrip("\n") for text in written)
    yield "}\n"


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


def render_pieces(plan: Plan, name: str, view: View) -> Iterator[str]:
    """Write a plan in the named format, JSON in pieces: that of a large plan fills the memory."""
    if name == "json":
        return _json_pieces(plan, view)
    return iter([render(plan, name, view)])


def render(plan: Plan, name: str, view: View) -> str:
    """Write a plan in the named format."""
    match plan:
        case DeletionPlan():
            return FORMATS[name](plan, view)
        case RestorePlan():
            return RESTORE_FORMATS[name](plan, view)
