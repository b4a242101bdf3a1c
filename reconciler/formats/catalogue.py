"""The formats of a plan, by their names in `--format`. Each is loaded when it is asked for."""

from collections.abc import Callable, Iterator, Mapping

from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan, Plan


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


def _text(plan: Plan, view: View) -> str:
    if isinstance(plan, DeletionPlan):
        from reconciler.formats.plan_text import render

        return render(plan, view)
    from reconciler.formats.restore_plan import render as render_restore

    return render_restore(plan, view)


def _markdown(plan: Plan, view: View) -> str:
    if isinstance(plan, DeletionPlan):
        from reconciler.formats.plan_markdown import render

        return render(plan, view)
    from reconciler.formats.restore_plan import markdown

    return markdown(plan, view)


def _html(plan: Plan, view: View) -> str:
    if isinstance(plan, DeletionPlan):
        from reconciler.formats.html_plan import render

        return render(plan, view)
    from reconciler.formats.restore_plan import render_html

    return render_html(plan, view)


FORMATS: Mapping[str, Callable[[Plan, View], str]] = {
    "text": _text,
    "json": render_json,
    "markdown": _markdown,
    "html": _html,
}


def render_pieces(plan: Plan, name: str, view: View) -> Iterator[str]:
    """Write a plan in the named format, JSON in pieces: that of a large plan fills the memory."""
    if name == "json":
        return _json_pieces(plan, view)
    return iter([render(plan, name, view)])


def render(plan: Plan, name: str, view: View) -> str:
    """Write a plan in the named format."""
    return FORMATS[name](plan, view)
