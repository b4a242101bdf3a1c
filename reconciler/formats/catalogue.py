"""The formats of a plan, by the name that `--format` gives them."""

from collections.abc import Callable, Mapping

from reconciler.formats import json, markdown, restoring, text
from reconciler.formats.html import plan as html_plan
from reconciler.formats.html import restoring as html_restoring
from reconciler.formats.view import View
from reconciler.model.plan import Plan

Render = Callable[[Plan, View], str]

FORMATS: Mapping[str, Render] = {
    "text": text.render,
    "json": json.render,
    "markdown": markdown.render,
    "html": html_plan.render,
}

RESTORE_FORMATS: Mapping[str, Render] = {
    "text": restoring.render,
    "json": json.render,
    "markdown": restoring.markdown,
    "html": html_restoring.render,
}
"""The same for a plan that restores, which has words of its own."""


def render(plan: Plan, name: str, view: View) -> str:
    """Write a plan in the format of that name."""
    return (RESTORE_FORMATS if plan.undoes else FORMATS)[name](plan, view)
